/** What dlm-fill adds to LSP, as docs/programs.md lists it. */
export interface Position { line: number; character: number }
export interface Range { start: Position; end: Position }

export interface ServerStatus {
  state: "loading" | "ready" | "busy" | "inactive" | "error";
  message: string;
  model: string;
  device: string;
}

export interface Token { text: string; confidence: number; open: boolean }
export interface Preview {
  uri: string;
  version: number | null;
  holes: { range: Range; tokens: Token[] }[];
  step: number;
  forwardPasses: number;
}

export interface FillArguments { uri: string; version: number; ranges: Range[]; strength?: number }
export interface FillResult {
  applied: boolean;
  reason: string;
  texts: string[];
  confidence: number | null;
  candidate?: number;
  candidates?: number;
}
