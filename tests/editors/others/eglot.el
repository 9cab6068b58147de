;; emacs --batch -l eglot.el FILE COMMAND…: the snippet of docs/editors/emacs.md, and what the buffer holds then.
;; FILE has `___` where something is missing. Prints one line per thing tried; the exit code is 0 when all were done.
(require 'eglot)
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
      (eglot-sync-connect 300)
      (eglot-connect-timeout 300)
      (eglot-confirm-server-initiated-edits nil)
      server before)
  (setq command-line-args-left nil)
  ;; The snippet of the page.
  (add-to-list 'eglot-server-programs (cons 'python-mode command))
  (find-file file)
  (python-mode)
  (setq server (apply #'eglot--connect (eglot--guess-contact)))
  (say "connected" (eglot-managed-p))

  ;; M-x eglot-code-actions: the placeholders of the function.
  (search-forward "___")
  (let* ((actions (wait-for "code actions" (lambda () (eglot-code-actions (point) (point)))))
         (chosen (seq-find (lambda (a) (string-match-p "placeholder" (plist-get a :title))) actions))
         (doing (plist-get chosen :command)))
    (say "actions" (mapcar (lambda (a) (plist-get a :title)) actions))
    (setq before (buffer-string))
    (eglot-execute-command server (intern (plist-get doing :command)) (plist-get doing :arguments))
    (wait-for "the placeholder is filled" (lambda () (not (equal before (buffer-string)))))
    (say "action" (buffer-string)))

  ;; C-M-i: the completion list.
  (goto-char (point-max))
  (insert "    or")
  (run-hooks 'post-command-hook)
  (let ((table (wait-for "a completion" (lambda ()
                 (let ((at-point (eglot-completion-at-point)))
                   (and at-point (all-completions "" (nth 2 at-point))
                        (nth 2 at-point)))))))
    (say "completion" (mapcar #'substring-no-properties (all-completions "" table))))

  ;; The function of the page: dlm.fill over the region.
  (goto-char (point-min))
  (search-forward "    return size")
  (setq before (buffer-string))
  (eglot-execute-command
   server 'dlm.fill
   (vector (list :uri (eglot--path-to-uri (buffer-file-name))
                 :version eglot--versioned-identifier
                 :ranges (vector (list :start (eglot--pos-to-lsp-position (line-beginning-position))
                                       :end (eglot--pos-to-lsp-position (line-end-position)))))))
  (wait-for "the region is filled" (lambda () (not (equal before (buffer-string)))))
  (say "command" (buffer-string))
  (set-buffer-modified-p nil)
  (eglot-shutdown server))
