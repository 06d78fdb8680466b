import Runtime

/// Which class records of each class were named: counts, and shares of the row as tints.
struct ConfusionTable {
    private let classes: [String]
    /// A row a true class.
    private let counts: [[Int]]

    /// Counts by the true class and then the named one.
    init(_ confusion: [String: [String: Int]], classes: [String]) {
        let known = classes.filter { confusion[$0] != nil }
        self.classes = known
        counts = known.map { row in known.map { confusion[row]?[$0] ?? 0 } }
    }

    /// The table.
    var html: String {
        let head = classes.map { "<th>\($0.htmlEscaped)</th>" }.joined()
        let rows = zip(classes, counts).map { name, row in
            let all = row.reduce(0, +)
            let cells = row.map { count in
                let share = all > 0 ? Double(count) / Double(all) : 0
                return "<td style=\"--share:\(decimals(share, 2))\"><b>\(count)</b>"
                    + "<small>\(decimals(100 * share, 0)) %</small></td>"
            }
            return
                "<tr><th>\(name.htmlEscaped)</th>\(cells.joined())<td class=\"sum\">\(all)</td></tr>"
        }
        return "<div class=\"scroll\"><table class=\"confusion\"><thead>"
            + "<tr><th></th><th colspan=\"\(classes.count)\">named by the probe</th><th></th></tr>"
            + "<tr><th>true</th>\(head)<th>records</th></tr></thead>"
            + "<tbody>\(rows.joined())</tbody></table></div>"
    }
}
