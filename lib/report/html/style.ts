/** The style of the pages: on screen, in dark mode, on a phone and on paper. Severity is always a word with its own shape, never only a color. */
const colors = `
:root{color-scheme:light dark;--page:#f4f5f8;--card:#fff;--sunk:#eef0f5;--fg:#171a21;--muted:#515866;--line:#d9dde5;--link:#0a52b5;
--critical:#7d0a1e;--on-critical:#fff;--high:#f59331;--on-high:#2a1400;--medium:#fbd96b;--on-medium:#352700;--low:#c9dcf7;--on-low:#102f63;
--good:#17693a;--on-good:#fff;--unsure:#65309b;--on-unsure:#fff;--broken:#b3142c;--cell:#dfe8e2}
@media(prefers-color-scheme:dark){:root{--page:#101216;--card:#1a1d23;--sunk:#24282f;--fg:#e8eaee;--muted:#abb2bf;--line:#363b45;--link:#86b6ff;
--critical:#ff5c7a;--on-critical:#2a0008;--high:#e08a2e;--on-high:#231100;--medium:#c9a93f;--on-medium:#221a00;--low:#56749f;--on-low:#fff;
--good:#6fcf91;--on-good:#05240f;--unsure:#c6a0f5;--on-unsure:#22083f;--broken:#ff7a90;--cell:#2b362f}}
.critical{background:var(--critical);color:var(--on-critical);border-color:transparent}
.high,.degraded{background:var(--high);color:var(--on-high);border-color:transparent}
.medium{background:var(--medium);color:var(--on-medium);border-color:transparent}
.low{background:var(--low);color:var(--on-low);border-color:transparent}
.healthy{background:var(--good);color:var(--on-good);border-color:transparent}
.incomplete,.failed,.partial{background:var(--unsure);color:var(--on-unsure);border-color:transparent}
.tag.critical::before{content:"◆ "/""}.tag.high::before{content:"▲ "/""}.tag.medium::before{content:"■ "/""}.tag.low::before{content:"● "/""}`;

const text = `
*{box-sizing:border-box}
html{scroll-padding-top:9rem}
body{margin:0 auto;max-width:80rem;padding:1rem 1.25rem 4rem;background:var(--page);color:var(--fg);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
h1{font-size:1.6rem;line-height:1.25;margin:0;font-weight:650;letter-spacing:-.01em;display:flex;flex-wrap:wrap;gap:.7rem;align-items:center}
h1 .tag{font-size:1rem;padding:.2rem .75rem}
h2{font-size:1.15rem;font-weight:650;margin:2.2rem 0 .7rem}
h3{font-size:1rem;font-weight:600;margin:0}
section>h3{margin:1.6rem 0 .4rem}
h4{font-size:.95rem;font-weight:600;margin:1.1rem 0 .35rem}
p{margin:.4rem 0}
a{color:var(--link);text-underline-offset:.15em}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:.25rem}
code,pre,kbd{font:.87em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre code{font:inherit}
kbd{border:1px solid var(--line);border-bottom-width:2px;border-radius:.25rem;padding:0 .35rem;background:var(--card)}
.muted,caption,figcaption{color:var(--muted)}
.skip{position:absolute;left:-99rem}
.skip:focus{position:static}
.tag{display:inline-block;border:1px solid var(--line);border-radius:1rem;padding:0 .55rem;font-size:.8rem;font-weight:600;line-height:1.45rem;white-space:nowrap}
.tag.new{border-color:currentcolor}
.old{color:var(--broken);font-weight:600}
summary:focus-visible{outline-offset:-2px}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin:0;padding:0;list-style:none}
nav a{display:inline-block;padding:.3rem 0}
table{border-collapse:collapse;font-size:.9rem}
caption{text-align:left;padding:.2rem 0;font-weight:600}
th,td{text-align:left;vertical-align:top;padding:.35rem .7rem .35rem 0;border-bottom:1px solid var(--line)}
thead th{color:var(--muted);font-weight:600;overflow-wrap:normal}
tbody th{font-weight:500}
.wide{width:100%;margin:1rem 0}
.scroll{overflow:auto;max-height:75vh}
.scroll th,.scroll td{overflow-wrap:normal}
[hidden]{display:none!important}`;

const top = `
header{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.1rem 1.4rem .7rem;border-top:.4rem solid var(--line)}
.critical-line{border-top-color:var(--critical)}.degraded-line{border-top-color:var(--high)}.healthy-line{border-top-color:var(--good)}.incomplete-line{border-top-color:var(--unsure)}
.top{display:flex;flex-wrap:wrap;justify-content:space-between;gap:.3rem 1.5rem;align-items:baseline}
.tiles{display:flex;flex-wrap:wrap;gap:.8rem;margin:1rem 0 .8rem}
.set{display:flex;flex:1 1 auto;border:1px solid var(--line);border-radius:.6rem;overflow:hidden}
.tile{flex:1 1 5.5rem;display:block;padding:.55rem .9rem;color:var(--fg);text-decoration:none;overflow-wrap:normal;border-top:.3rem solid transparent}
.set .tile+.tile{border-left:1px solid var(--line)}
.tile b{display:block;font-size:1.65rem;line-height:1.2;font-weight:650}
.tile small{font-size:.9rem;font-weight:400;color:var(--muted)}
.tile.none b,.tile.none span{color:var(--muted);font-weight:400}
a.tile:hover,.tile[aria-current]{background:var(--sunk)}
.tile[aria-current]{text-decoration:underline}
.set .tile:focus-visible{outline-offset:-3px}
.tile.critical,.tile.high,.tile.medium,.tile.low{background:none;color:var(--fg)}
.tile.critical{border-top-color:var(--critical)}.tile.high{border-top-color:var(--high)}.tile.medium{border-top-color:var(--medium)}.tile.low{border-top-color:var(--low)}
.tile.critical:hover,.tile.high:hover,.tile.medium:hover,.tile.low:hover,.tile.critical[aria-current],.tile.high[aria-current],.tile.medium[aria-current],.tile.low[aria-current]{background:var(--sunk)}
.tile.healthy-line{border-top-color:var(--good)}.tile.degraded-line{border-top-color:var(--high)}.tile.incomplete-line{border-top-color:var(--unsure)}.tile.critical-line{border-top-color:var(--critical)}
.seen{flex:2 1 15rem;border:1px solid var(--line);border-radius:.6rem;padding-top:.85rem}
.seen svg{height:.4rem;margin-top:.35rem;border-radius:.2rem}
.bar-audited{fill:var(--good)}.bar-missing{fill:var(--unsure)}
.parts{border-top:1px solid var(--line);margin-top:.7rem;padding-top:.2rem}
.changes{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:1rem}
.changes>div,.charts figure,.panel{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:.8rem 1.1rem}
.changes ul{margin:.4rem 0;padding:0;list-style:none}
.changes li{display:flex;gap:.6rem;align-items:baseline;padding:.2rem 0}
.changes li>.tag{flex:0 0 6rem;text-align:center}`;

const map = `
.heat{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,21rem),1fr));gap:1rem}
.heat figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:.7rem .9rem}
.heat figcaption{font-size:.85rem;margin-bottom:.5rem}
.heat figcaption b{color:var(--fg);font-size:.95rem}
.js .heat svg{cursor:pointer}
svg{display:block;width:100%;height:auto}
.heat text{fill:var(--muted);font:9px system-ui,sans-serif}
.cells{fill:var(--cell)}
.cell-critical{fill:var(--critical)}.cell-high{fill:var(--high)}.cell-medium{fill:var(--medium)}.cell-low{fill:var(--low)}.cell-failed{fill:var(--unsure)}
.worst{margin-top:.8rem}
.map{background:var(--card)}
.map td{padding:1px;text-align:center;min-width:3.7rem}
.map td:first-of-type{padding-left:1px}
.map th{white-space:nowrap;padding-left:.6rem}
.map thead th{position:sticky;top:0;background:var(--card)}
.map thead th+th{text-align:center;padding:.35rem .4rem}
.map tbody th{position:sticky;left:0;background:var(--card);max-width:45vw;overflow:hidden;text-overflow:ellipsis}
.map td small{display:block;font-size:.72rem;font-weight:400;line-height:1.1}
.map td a{display:block;padding:.3rem .4rem;border-radius:.3rem;text-decoration:none;white-space:nowrap;font-weight:600;min-height:1.5rem}`;

const cards = `
.filter{display:none;flex-wrap:wrap;gap:.4rem .7rem;align-items:end;background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:.6rem .9rem;margin-bottom:.9rem}
.js .filter{display:flex;position:sticky;top:0;z-index:2;box-shadow:0 .4rem 1rem -.7rem #0008}
.filter label{display:grid;flex:1 1 7rem;font-size:.8rem;color:var(--muted)}
.filter .search{flex:2 1 11rem}
#shown{font-weight:600}
.keys{margin-left:auto;font-size:.85rem}
input,select,button{font:inherit;color:var(--fg);background:var(--card);border:1px solid var(--muted);border-radius:.4rem;padding:.25rem .5rem;max-width:100%;min-width:0;min-height:2rem}
button{cursor:pointer}
button:hover{background:var(--sunk)}
article{background:var(--card);border:1px solid var(--line);border-left:.35rem solid var(--line);border-radius:.6rem;margin:.6rem 0;content-visibility:auto;contain-intrinsic-size:auto 4rem}
article[data-s=critical]{border-left-color:var(--critical)}article[data-s=high]{border-left-color:var(--high)}article[data-s=medium]{border-left-color:var(--medium)}article[data-s=low]{border-left-color:var(--low)}
article.apart{border-style:dashed}
h3.apart{margin:1.6rem 0 .4rem;color:var(--muted)}
summary{cursor:pointer}
article>details>summary{display:grid;grid-template-columns:6.4rem 1fr auto 1rem;gap:.2rem .9rem;align-items:baseline;padding:.75rem 1.1rem;list-style:none;border-radius:.5rem}
article>details>summary::-webkit-details-marker{display:none}
article>details>summary::after{content:"▸"/"";color:var(--muted)}
article>details[open]>summary::after{content:"▾"/""}
article>details>summary:hover h3{text-decoration:underline;text-underline-offset:.2em}
summary>.tag{text-align:center}
.where{color:var(--muted)}
.when{text-align:right;font-size:.9rem}
.hits{display:block;color:var(--link);font-weight:600}
.body{padding:0 1.1rem 1rem;border-top:1px solid var(--line)}
.detail{font-size:1rem;margin:.8rem 0}
.differs td:nth-child(3) code{color:var(--broken);font-weight:600}
.body ol{margin:.3rem 0;padding-left:1.4rem}
.body li{margin:.5rem 0}
.box{position:relative;margin:.35rem 0}
.box pre{padding-right:6.5rem;max-height:16rem;overflow:auto}
pre{background:var(--sunk);border-radius:.4rem;padding:.6rem .8rem;margin:.35rem 0;white-space:pre-wrap}
.copy{display:none;position:absolute;right:.4rem;top:.4rem;font-size:.8rem;min-height:1.7rem;padding:.05rem .6rem}
.js .copy{display:block}
.paper{display:none}
.objects{margin:1rem 0}
.objects .wide{margin:0}
.objects .scroll{max-height:26rem;border:1px solid var(--line);border-radius:.5rem;padding:0 .8rem}
.objects .scroll thead th{position:sticky;top:0;background:var(--card);padding-top:.5rem}
.first{margin:0;padding-left:2.4rem}
.first li{padding:.45rem 0}
.first li+li{border-top:1px solid var(--line)}
.first li>*{display:inline-block;vertical-align:top;width:calc(36% - 1rem)}
.first li>div{width:64%}
.first li>div .muted{font-size:.9rem}
.first .box{margin:0}
.domain{color:var(--muted)}
tr:target{background:var(--sunk);outline:2px solid var(--link)}
.about{margin-top:.8rem}
.about>div{max-width:46rem;padding:.2rem 0 .2rem 1rem;border-left:3px solid var(--line);margin-top:.4rem}
.path{margin:1rem 0}
.path>div{display:flex;align-items:stretch;max-width:60rem}
.path p{font-size:.85rem}
.station{flex:1 1 0;min-width:0;border:1px solid var(--muted);border-radius:.5rem;padding:.35rem .5rem;text-align:center;background:var(--card)}
.station small,.station b,.station i{display:block;line-height:1.3}
.station small{color:var(--muted)}
.station b{font-weight:600;font-size:.85rem}
.station i{font-style:normal;color:var(--broken);font-weight:600;font-size:.85rem}
.station.cut{border:3px solid var(--broken)}
.link{flex:0 0 2.6rem;display:flex;flex-direction:column;justify-content:center;text-align:center;line-height:1.1;color:var(--muted);font-size:1.1rem}
.link span{min-height:1.1em}
.link .cut{color:var(--broken);font-weight:700;font-size:1.5rem}
.path p b{font-size:1.1rem}
.path figcaption{font-weight:600;margin-bottom:.4rem;color:var(--broken)}`;

const charts = `
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:1rem;margin-bottom:.6rem}
figure{margin:0}
.charts figcaption{color:var(--fg)}
.axis{stroke:var(--line);fill:none}
.dashed{stroke-dasharray:4 4}
.trend{stroke:var(--link);stroke-width:2;fill:none;stroke-linejoin:round}
.limit{stroke:var(--broken);stroke-width:1.5;stroke-dasharray:6 4;fill:none}
.ahead{stroke:var(--link);stroke-width:2;stroke-dasharray:2 4;fill:none}
.dot{fill:var(--link)}
.tick{fill:var(--muted);font:12px system-ui,sans-serif}
.end{text-anchor:end}
.warn{color:var(--broken);font-weight:600}
.numbers td,.numbers thead th:not(:first-child){text-align:right}
.numbers tbody th{white-space:nowrap}
.spark{display:inline-block;width:6.5rem;height:1.5rem;vertical-align:middle;margin-right:.5rem}
.fleet{width:100%;background:var(--card);border-radius:.75rem}
.fleet th,.fleet td{vertical-align:middle;padding-left:.7rem}
.fleet .tag{margin:.1rem 0}
.nights{width:15.5rem;height:1.4rem}
.night-critical{fill:var(--critical)}.night-degraded{fill:var(--high)}.night-incomplete{fill:var(--unsure)}.night-healthy{fill:var(--good)}
.fleet tbody th{min-width:7rem}
ul.set{list-style:none;padding:0;max-width:40rem}
.note{font-weight:400}`;

const phone = `
@media(max-width:60rem){.js .filter{position:static}html{scroll-padding-top:1rem}.keys{display:none}}
@media print,(min-width:40.01rem){.sideways{display:none}}
@media(max-width:40rem){body{padding:.6rem .6rem 3rem}header{padding:.8rem .9rem .5rem}h1{font-size:1.3rem}
.set{flex-basis:100%}.tile{padding:.5rem .55rem;flex-basis:4rem}.tile b{font-size:1.3rem}.tile span{font-size:.85rem}
.filter label{flex-basis:40%}.filter .search{flex-basis:100%}
article>details>summary{grid-template-columns:auto 1fr 1rem;padding:.7rem .8rem}.what{grid-column:1/-1;grid-row:2}.when{grid-column:2;grid-row:1}.body{padding:0 .8rem .8rem}
.first{padding-left:1.6rem}.first li>*,.first li>div{display:block;width:auto}
.path>div{flex-direction:column}.link{flex-basis:1.6rem;flex-direction:row;gap:1rem}.link span,.path p b{rotate:90deg;display:inline-block}.station{flex-basis:auto}
.stack thead{display:none}.stack tr,.stack td,.stack tbody th{display:block;border:0;padding:.1rem 0}.stack tr{border-bottom:1px solid var(--line);padding:.45rem 0}.stack td:empty{display:none}.stack td::before{content:attr(data-label) ": ";color:var(--muted)}.stack tbody th{font-weight:600}
.fleet tr{padding:.6rem .8rem}.fleet th,.fleet td{padding-left:0}.tick{font-size:18px}}`;

/** On paper: what to do and where, on as few sheets as possible; evidence and explanations stay on screen. */
const paper = `
@media print{:root{color-scheme:light;--page:#fff;--card:#fff;--sunk:#f2f2f2;--fg:#000;--muted:#444;--line:#bbb;--link:#000;
--critical:#7d0a1e;--on-critical:#fff;--high:#f59331;--on-high:#2a1400;--medium:#fbd96b;--on-medium:#352700;--low:#c9dcf7;--on-low:#102f63;--good:#17693a;--on-good:#fff;--unsure:#65309b;--on-unsure:#fff;--broken:#b3142c;--cell:#dfe8e2}
@page{size:A4;margin:10mm}
html{font-size:8.5pt}body{max-width:none;padding:0;font-size:8.5pt;line-height:1.35}
h1{font-size:15pt}h2{font-size:11pt;margin:10pt 0 4pt}h2,h3,h4,summary,caption{break-after:avoid}
.filter,.copy,nav,.skip,.more,.about,.path,.worst,.hits,.why,article .wide:not(.objects .wide){display:none!important}
.paper{display:block}
header{padding:6pt 9pt;border-radius:4pt}.tiles{margin:5pt 0;gap:6pt}.tile{padding:2pt 6pt;flex-basis:auto}.tile b{font-size:13pt}.seen svg{display:none}
.changes{display:block}.changes>div,.charts figure,.heat figure{padding:4pt 6pt;border-radius:4pt;margin-bottom:4pt;break-inside:avoid}
.changes li{padding:0}
.heat{grid-template-columns:repeat(4,1fr);gap:4pt}.heat figcaption{font-size:7pt}
.scroll,.objects .scroll{overflow:visible;max-height:none;border:0;padding:0}
article{content-visibility:visible;margin:5pt 0;border-radius:3pt}
article>details>summary{padding:3pt 6pt;grid-template-columns:5.4rem 1fr auto}article>details>summary::after,article>details[open]>summary::after{content:none}
article details::details-content{content-visibility:visible;height:auto;display:block}
.body{padding:0 6pt 4pt}.detail{font-size:8.5pt;margin:3pt 0}
.body ol{columns:1;margin:2pt 0}.body li{margin:2pt 0}.box,.objects,p{margin:2pt 0}h4{margin:3pt 0 1pt}
pre{padding:2pt 4pt;margin:1pt 0;font-size:7.5pt}.box pre{max-height:none;padding-right:4pt}
.objects tbody{columns:2;column-gap:14pt;display:block}.objects table,.objects caption{display:block}.objects thead{display:none}
.objects tr{display:block;break-inside:avoid;border:0;font-size:7pt;line-height:1.3;border-bottom:1px solid #ddd}
.objects th,.objects td{display:inline;padding:0;border:0}.objects td:nth-child(2),.objects td:nth-child(5),.objects td:nth-child(8),.objects td:empty,.domain{display:none}
.objects td:nth-child(6)::after{content:" nights"}.objects td::before{content:" · ";color:inherit}
.tag,.map td a,.heat svg,.bar-audited,.bar-missing,header,article,.tile{print-color-adjust:exact;-webkit-print-color-adjust:exact}
.charts{grid-template-columns:repeat(3,1fr)}}
`;

export const style = [colors, text, top, map, cards, charts, phone, paper].join('');
