" vim -u NONE -S yegappan.vim FILE, with $LSP_PLUGIN (the folder of yegappan/lsp), $SERVER (a JSON list) and $REPORT (a file):
" the snippet of docs/editors/vim.md, and what the buffer holds then.
set nocompatible hidden noswapfile
filetype on
execute 'set rtp^=' .. $LSP_PLUGIN
runtime! plugin/lsp.vim
call LspEnable()
let s:command = json_decode($SERVER)

" The snippet of the page.
call LspOptionsSet(#{autoComplete: v:false, omniComplete: v:true})
call LspAddServer([#{name: 'dlm-fill', filetype: ['python'], path: s:command[0], args: s:command[1:]}])

let s:report = []
function s:Say(what, value)
  call add(s:report, a:what .. ': ' .. string(a:value))
  call writefile(s:report, $REPORT)
endfunction

function s:Until(what, Holds)
  for i in range(3000)
    if a:Holds()
      return
    endif
    sleep 100m
  endfor
  call s:Say('never', a:what)
  cquit
endfunction

try
  edit $FILE
  set filetype=python
  call s:Until('the server is ready', {-> LspServerReady()})
  call s:Say('connected', 1)

  " Omni completion.
  call append('$', '    or')
  call cursor(line('$'), 1)
  call feedkeys("A\<C-x>\<C-o>\<C-r>=execute('let g:words = map(complete_info([\"items\"]).items, \"v:val.word\")')\<CR>\<Esc>", 'xt')
  call s:Say('completion', get(g:, 'words', []))

  " :LspCodeAction with the title of the action.
  call search('___', 'w')
  let s:before = getline(1, '$')
  call s:Until('the placeholder is filled', {-> [execute('LspCodeAction /Fill the placeholder'), execute('sleep 300m'), getline(1, '$') != s:before][-1]})
  call s:Say('action', getline(1, '$'))
catch
  call s:Say('error', v:exception .. ' ' .. v:throwpoint)
  cquit
endtry
qall!
