/** How the page looks: on paper, on a phone, by day and by night. Severity is always a word or letter, never only a colour. */
export const style = `
:root{color-scheme:light dark;--bg:#fff;--panel:#f4f5f7;--fg:#16181d;--muted:#4d535e;--line:#c9ced6;--link:#0b4fae;
--critical:#a30f18;--on-critical:#fff;--high:#b45309;--on-high:#fff;--medium:#fcd34d;--on-medium:#3b2403;--low:#cfe1fb;--on-low:#12326b;
--good:#14622f;--on-good:#fff;--incomplete:#6b21a8;--on-incomplete:#fff;--broken:#a30f18}
@media(prefers-color-scheme:dark){:root{--bg:#14161a;--panel:#1f2228;--fg:#e9ebee;--muted:#b0b7c3;--line:#434955;--link:#8ab8ff;
--critical:#ff8a8f;--on-critical:#2b0205;--high:#fdac7a;--on-high:#2e1003;--medium:#f5d76b;--on-medium:#2d2100;--low:#9cc3fb;--on-low:#06204a;
--good:#7fd89b;--on-good:#03260f;--incomplete:#d8b4fe;--on-incomplete:#2a0a4a;--broken:#ff8a8f}}
*{box-sizing:border-box}
html{scroll-padding-top:1rem}
body{margin:0 auto;max-width:75rem;padding:1rem;background:var(--bg);color:var(--fg);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.25;margin:.2rem 0}
h2{font-size:1.25rem;margin:2rem 0 .6rem;padding-top:.4rem;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:0;font-weight:600;display:inline}
section>h3{display:block;margin:1rem 0 .2rem}
h4{font-size:1rem;margin:1rem 0 .2rem}
p{margin:.4rem 0}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-99rem}
.skip:focus{position:static}
.muted{color:var(--muted)}
nav ul{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;padding:0;list-style:none}
nav a{display:inline-block;padding:.25rem 0}
.tag{display:inline-block;border-radius:.3rem;padding:0 .45rem;font-size:.85rem;font-weight:600;background:var(--panel);border:1px solid var(--line);white-space:nowrap}
.critical{background:var(--critical);color:var(--on-critical);border-color:transparent}
.high,.degraded{background:var(--high);color:var(--on-high);border-color:transparent}
.medium{background:var(--medium);color:var(--on-medium);border-color:transparent}
.low{background:var(--low);color:var(--on-low);border-color:transparent}
.healthy{background:var(--good);color:var(--on-good);border-color:transparent}
.incomplete,.failed,.partial{background:var(--incomplete);color:var(--on-incomplete);border-color:transparent}
h1 .tag{font-size:1.1rem;padding:.1rem .7rem;text-transform:uppercase}
.changes{display:grid;grid-template-columns:repeat(auto-fit,minmax(16rem,1fr));gap:1rem}
.changes>div{background:var(--panel);border-radius:.5rem;padding:.6rem 1rem}
.changes h3{display:block}
.changes ul{margin:.3rem 0;padding-left:1.1rem}
.changes li{margin:.25rem 0}
.scroll{overflow:auto;max-height:75vh}
.scroll th,.scroll td{overflow-wrap:normal}
table{border-collapse:collapse;font-size:.9rem}
caption{text-align:left;color:var(--muted);padding:.2rem 0}
thead th{overflow-wrap:normal}
th,td{text-align:left;vertical-align:top;padding:.25rem .5rem;border-bottom:1px solid var(--line)}
.map td{padding:1px;text-align:center;min-width:2.6rem}
.map th{white-space:nowrap}
.map thead th{position:sticky;top:0;background:var(--bg)}
.map tbody th{position:sticky;left:0;background:var(--bg);font-weight:400;max-width:45vw;overflow:hidden;text-overflow:ellipsis}
.map td a{display:block;padding:.25rem .3rem;border-radius:.2rem;text-decoration:none;white-space:nowrap;font-weight:600;min-height:1.5rem}
.filter{display:none;flex-wrap:wrap;gap:.5rem 1rem;align-items:end;background:var(--panel);padding:.6rem 1rem;border-radius:.5rem;margin-bottom:.8rem}
.js .filter{display:flex}
.filter label{display:grid;font-size:.85rem}
input,select,button{font:inherit;color:var(--fg);background:var(--bg);border:1px solid var(--muted);border-radius:.3rem;padding:.25rem .5rem;max-width:100%}
button{cursor:pointer}
article{border:1px solid var(--line);border-radius:.5rem;margin:.5rem 0;content-visibility:auto;contain-intrinsic-size:auto 3rem}
article[data-st~=suppressed],article[data-st~=pending]{border-style:dashed}
article[hidden]{display:none}
summary{cursor:pointer;padding:.5rem .8rem}
article .body{padding:0 .8rem .8rem;scroll-margin-top:4rem}
li:target,.body:target{outline:2px solid var(--link);outline-offset:-2px}
figure{margin:.8rem 0;max-width:36rem}
figcaption{font-size:.9rem;color:var(--muted)}
svg{display:block;width:100%;height:auto}
.defs{position:absolute;width:0;height:0}
.station{fill:var(--panel);stroke:var(--muted)}
.joint{stroke:var(--muted);stroke-width:2}
.word{fill:var(--fg);font:13px system-ui,sans-serif;text-anchor:middle}
.broken{stroke:var(--broken);stroke-width:3;fill:none}
.dashed{stroke-dasharray:4 4}
strong{font-weight:600}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:1rem}
.charts figure{margin:0;background:var(--panel);border-radius:.5rem;padding:.6rem 1rem;max-width:none}
.charts figcaption{color:var(--fg)}
.axis{stroke:var(--line);fill:none}
.trend{stroke:var(--link);stroke-width:2.5;fill:none;stroke-linejoin:round}
.dot{fill:var(--link)}
.tick{fill:var(--muted);font:12px system-ui,sans-serif}
.end{text-anchor:end}
.numbers td,.numbers thead th:not(:first-child){text-align:right}
.numbers tbody th{white-space:nowrap}
.spark{display:inline-block;width:6.5rem;height:1.5rem;vertical-align:middle;margin-right:.5rem}
.fleet{width:100%}
.fleet .tag{margin:.1rem 0}
.note{font-weight:400}
.fleet th,.fleet td{vertical-align:middle}
tr[hidden]{display:none!important}
pre{background:var(--panel);border-radius:.3rem;padding:.5rem .7rem;margin:.2rem 0;white-space:pre-wrap;font-size:.9rem}
.copy{display:none;font-size:.85rem;margin:.1rem 0 .5rem}
.js .copy{display:inline-block}
@media(max-width:40rem){body{padding:.6rem}.stack thead{display:none}.stack tr,.stack td,.stack tbody th{display:block;border:0;padding:.05rem 0}.stack tr{border-bottom:1px solid var(--line);padding:.4rem 0}.tick{font-size:18px}.word{font-size:14.5px}.stack td:empty{display:none}.stack td::before{content:attr(data-label) ": ";color:var(--muted)}}
@media print{body{max-width:none;font-size:10pt}.filter,.copy,nav,.skip{display:none!important}.scroll{overflow:visible;max-height:none}h2,h3,h4,summary{break-after:avoid}article{content-visibility:visible;break-inside:avoid}article details::details-content,#checks-examined::details-content{content-visibility:visible;height:auto;display:block}.tag,.map td a{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`;
