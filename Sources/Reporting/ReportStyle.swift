import Drawing

/// How pages look: light and dark, on a phone, in print.
enum ReportStyle {
    /// The palette as variables, the series and what belongs to none as `--s0` to `--s6`.
    private static func colours(_ shade: (Palette.Shade) -> String) -> String {
        let pages = [
            ("paper", Palette.paper), ("ink", Palette.ink), ("faint", Palette.faint),
            ("line", Palette.line), ("panel", Palette.panel),
        ]
        let series = (Palette.series + [Palette.other]).enumerated().map { ("s\($0)", $1) }
        return [pages, series].map { group in
            group.map { "--\($0):\(shade($1))" }.joined(separator: ";")
        }.joined(separator: ";\n")
    }

    static let text = """
        :root{color-scheme:light dark;\(colours(\.light))}
        @media(prefers-color-scheme:dark){:root{\(colours(\.dark))}}
        *{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);
        font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
        header,main{max-width:68rem;margin:0 auto;padding:1.2rem 1rem}h1{margin:0;font-size:1.7rem;line-height:1.2;
        overflow-wrap:anywhere}header p{color:var(--faint);margin:.3rem 0 .8rem;overflow-wrap:anywhere}
        nav a{color:var(--s0);margin-right:.8rem;text-decoration:none;white-space:nowrap}nav{line-height:1.9}
        h2{font-size:1.25rem;margin:2rem 0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}
        h3{font-size:1rem;margin:1.2rem 0 .3rem}p{max-width:48rem}.note{color:var(--faint)}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.6rem}
        .tiles div{background:var(--panel);border-radius:.4rem;padding:.6rem .8rem}.tiles b{display:block;font-size:1.3rem;
        overflow-wrap:anywhere}.tiles span{color:var(--faint);font-size:.85rem}
        .scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;min-width:50%}
        th,td{text-align:left;padding:.25rem .7rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}
        td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}
        figure{margin:0 0 1rem}figcaption{font-size:.85rem;color:var(--faint)}svg{max-width:100%;height:auto;display:block}
        .chart svg{width:100%}.chart.wide svg{max-width:56rem}.chart text{fill:var(--faint);font-size:12px}.grid{stroke:var(--line);stroke-width:1}
        .line{fill:none;stroke-width:1.8;stroke-linejoin:round}.hover{fill:transparent}.hover:hover{fill:var(--line)}
        .key{margin-right:1rem}.key:before{content:"";display:inline-block;width:.8rem;height:.2rem;margin:0 .4rem .2rem 0;
        background:currentColor;vertical-align:middle}
        .s0{stroke:var(--s0)}.s1{stroke:var(--s1)}.s2{stroke:var(--s2)}.s3{stroke:var(--s3)}.s4{stroke:var(--s4)}
        .s5{stroke:var(--s5)}.key.s0{color:var(--s0)}.key.s1{color:var(--s1)}.key.s2{color:var(--s2)}.key.s3{color:var(--s3)}
        .key.s4{color:var(--s4)}.key.s5{color:var(--s5)}.mark{fill:var(--paper)}
        .pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(18rem,1fr));gap:1rem}
        .paper{background:#fff;border-radius:.4rem;padding:.3rem;overflow-x:auto}.paper svg{min-width:34rem;width:100%}
        pre{background:var(--panel);padding:.7rem;border-radius:.4rem;overflow-x:auto;font-size:.85rem}
        details{margin:.6rem 0}summary{cursor:pointer;color:var(--s0)}
        .f0{fill:var(--s0)}.f1{fill:var(--s1)}.f2{fill:var(--s2)}.f3{fill:var(--s3)}.f4{fill:var(--s4)}.f5{fill:var(--s6)}
        .dot{stroke:var(--paper);stroke-width:.5;fill-opacity:.85}g:hover>.dot{stroke:var(--ink);stroke-width:2}
        .none{fill:var(--line);color:var(--faint)}.frame{fill:none;stroke:var(--line)}.chance{stroke:var(--faint);stroke-dasharray:3 3;fill:none}
        .glyph{stroke:none}.glyph.s0{color:var(--s0)}.glyph.s1{color:var(--s1)}.glyph.s2{color:var(--s2)}
        .glyph.s3{color:var(--s3)}.glyph.s4{color:var(--s4)}.glyph.s5{color:var(--s6)}.group{margin-right:.7rem;white-space:nowrap}
        .panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:.5rem 1rem}.line.main{stroke-width:3}
        .headline{font-size:1.2rem;font-weight:600;line-height:1.35}.outcomes{list-style:none;padding:0;margin:.6rem 0}
        .outcomes li{border-left:.3rem solid var(--line);padding:.1rem .7rem;margin:.35rem 0}.outcomes span{color:var(--faint);
        white-space:nowrap}.outcomes .better{border-color:var(--s2)}.outcomes .worse{border-color:var(--s1)}
        .forest{display:block;margin:.3rem 0 1rem;max-width:56rem}
        .row{display:grid;grid-template-columns:13rem 1fr 11rem;gap:0 .8rem;align-items:center;font-size:.9rem;min-height:1.7rem}
        .row svg{width:100%;height:1.7rem}.row span:last-child{font-variant-numeric:tabular-nums}.row>div{position:relative;height:1.3rem}
        .row i{position:absolute;transform:translateX(-50%);font-style:normal;font-size:.8rem;color:var(--faint)}
        .row line{vector-effect:non-scaling-stroke}.reference{stroke:var(--faint);stroke-dasharray:4 3}
        .range{stroke:var(--s0);stroke-width:3}.point{stroke:var(--s0);stroke-width:10;stroke-linecap:round}
        .faint .range,.faint .point{stroke:var(--s6)}
        .confusion td{background:color-mix(in srgb,var(--s0) calc(var(--share,0)*60%),transparent);text-align:center;padding:.4rem .7rem;
        border:1px solid var(--line);print-color-adjust:exact}.confusion td small{display:block;color:inherit;opacity:.8}
        .confusion td.sum{background:none}.confusion th{padding-right:.6rem}.confusion thead th{text-align:center}
        dt{font-weight:600;margin-top:.5rem}dd{margin:0 0 0 1rem;max-width:47rem}h4{margin:.9rem 0 .2rem;font-size:.95rem}
        td:first-child,th:first-child{position:sticky;left:0;background:var(--paper)}td.number,td small{white-space:nowrap}
        td small{color:var(--faint)}.key{white-space:nowrap}.maps{display:grid;gap:0 1.2rem;
        grid-template-columns:repeat(auto-fill,minmax(min(24rem,100%),1fr))}td:last-child{overflow-wrap:anywhere}td:first-child{min-width:7.5rem}
        @media(max-width:40rem){.row{grid-template-columns:1fr auto}.row svg,.row>div{grid-row:2;grid-column:1/3}
        .chart.wide text{font-size:21px}}
        @media print{nav,summary{display:none}body{font-size:10pt}header,main{max-width:none;padding:0}
        h2,h3{break-after:avoid}figure,.forest,.map,svg,tr,.row,.maps>div,.panels>div,.pair>div,pre{break-inside:avoid}p{max-width:none}
        .maps{grid-template-columns:1fr 1fr}.panels{grid-template-columns:1fr 1fr 1fr}.scroll{overflow:visible}
        table{font-size:7.5pt}th,td{padding-right:.35rem}td small{white-space:normal}td:first-child{min-width:0}
        pre{white-space:pre-wrap;overflow-wrap:anywhere}}
        """
}
