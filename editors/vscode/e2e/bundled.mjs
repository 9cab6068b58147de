// The extension that brings the server (`make vscode BUNDLE=1`) installs it on a machine without network, and it fills: `make test-vscode BUNDLE=1`.
import { execFileSync } from "node:child_process";
import path from "node:path";
import { describe, it } from "node:test";
import { Editor } from "./editor.mjs";
import { demo, noNetwork, pathWithout, root } from "./setup.mjs";

const GAP = 37; // the line of the demo where code is missing

describe("the extension with the server in it", () => {
  it("installs the server without network, and fills by the built-in model", async () => {
    const editor = await Editor.open({
      files: { "a.py": demo() }, settings: { "dlm-fill.server.path": "", "dlm-fill.automatic": false },
      environment: { ...noNetwork, PATH: pathWithout }, vsix: path.join(root, "editors/vscode/dist/dlm-fill-bundled.vsix"),
    });
    try {
      await editor.openFile("a.py");
      await editor.status(/not installed/);
      await editor.command("dlm-fill: Install the Server");
      await editor.dialog("Install the dlm-fill server", "Install");
      await editor.logged(/starting \S+globalStorage\S+ \(installed\)/g, 600_000);
      await editor.status(/only on request/);
      await editor.selectLines(GAP, 1);
      await editor.page.keyboard.press("Control+Alt+f");
      await editor.logged(/fill of 1 gaps of a\.py: \d+ ms, [1-9]\d* frames/g); // what it says is the model's affair
      await editor.picture("bundled");
      execFileSync("python3", ["-c", "import ast, sys; ast.parse(sys.argv[1])", await editor.saved("a.py")]);
      await editor.status(/only on request/);
    } finally {
      await editor.close();
    }
  });
});
