;; emacs --batch -l lsp-mode.el FILE COMMAND…: the snippet for lsp-mode of docs/editors/emacs.md, and what the buffer holds then.
;; FILE has `___` where something is missing. Prints one line per thing tried; the exit code is 0 when all were done.
(require 'package)
(package-initialize)
(require 'lsp-mode)
(require 'python)
(require 'seq)

(defun wait-for (what holds)
  "Return what HOLDS returns, once it is something; fail with WHAT."
  (let ((end (+ (float-time) 300)) found)
    (while (not (setq found (funcall holds)))
      (when (> (float-time) end) (error "never: %s" what))
      (accept-process-output nil 0.05))
    found))

(defun say (what value)
  (princ (format "%s: %S\n" what value)))

(let ((file (pop command-line-args-left))
      (command command-line-args-left)
      (lsp-session-file (make-temp-file "session"))
      (lsp-enable-file-watchers nil)
      (lsp-auto-guess-root t)
      before)
  (setq command-line-args-left nil)
  ;; The snippet of the page.
  (lsp-register-client
   (make-lsp-client :new-connection (lsp-stdio-connection (lambda () command))
                    :major-modes '(python-mode)
                    :add-on? t
                    :server-id 'dlm-fill))
  (setq lsp-enabled-clients '(dlm-fill))
  (find-file file)
  (python-mode)
  (lsp-workspace-folders-add (file-name-directory file))
  (lsp)
  (wait-for "the server runs" (lambda () (and (lsp-workspaces) (eq 'initialized (lsp--workspace-status (car (lsp-workspaces)))))))
  (say "connected" t)

  (search-forward "___")
  (let* ((actions (wait-for "code actions" (lambda () (append (lsp-code-actions-at-point) nil))))
         (chosen (seq-find (lambda (a) (string-match-p "placeholder" (lsp:code-action-title a))) actions)))
    (say "actions" (mapcar #'lsp:code-action-title actions))
    (setq before (buffer-string))
    (lsp-execute-code-action chosen)
    (wait-for "the placeholder is filled" (lambda () (not (equal before (buffer-string)))))
    (say "action" (buffer-substring-no-properties (point-min) (point-max))))

  (goto-char (point-max))
  (insert "    or")
  (let ((found (wait-for "a completion"
                         (lambda () (let ((at-point (lsp-completion-at-point)))
                                      (and at-point (all-completions "" (nth 2 at-point))))))))
    (say "completion" (mapcar #'substring-no-properties found)))
  (set-buffer-modified-p nil)
  (kill-emacs 0))
