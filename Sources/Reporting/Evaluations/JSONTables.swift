import Runtime

/// Any JSON as tables: what a page knows no better drawing for is shown whole.
enum JSONTables {
    /// Tables and lists of a value, the members of objects by name.
    ///
    /// Values with a member `…_interval` beside them get it in brackets.
    static func html(_ value: JSONValue) -> String {
        switch value {
        case .object(let members): return html(members)
        case .array(let elements) where elements.allSatisfy({ $0.objectValue != nil }):
            return table(elements.enumerated().map { ("\($0 + 1)", $1.objectValue ?? [:]) })
        default: return "<p>\(text(value).htmlEscaped)</p>"
        }
    }

    private static func html(_ members: [String: JSONValue]) -> String {
        var parts: [String] = []
        let plain = scalars(members)
        if !plain.isEmpty {
            parts.append(
                ReportPage.table(header: ["", ""], rows: plain.map { [$0.name, $0.text] }))
        }
        let nested = members.keys.sorted().compactMap { name -> (String, JSONValue)? in
            guard let value = members[name], isNested(value) else { return nil }
            return (name, value)
        }
        // Objects with the same plain members, as those of classes or shares of labels, are rows of one table.
        let rows = nested.map { ($0.0, $0.1.objectValue ?? [:]) }
        if rows.count > 1, Set(rows.map { scalars($0.1).map(\.name) }).count == 1,
            rows.allSatisfy({ row in !row.1.isEmpty && !row.1.values.contains(where: isNested) })
        {
            return parts.joined() + table(rows)
        }
        for (name, value) in nested {
            parts.append("<h4>\(words(name).htmlEscaped)</h4>\(html(value))")
        }
        return parts.joined()
    }

    private static func table(_ rows: [(String, [String: JSONValue])]) -> String {
        let names = Set(rows.flatMap { scalars($0.1).map(\.name) }).sorted()
        let body = rows.map { name, members in
            let found = Dictionary(uniqueKeysWithValues: scalars(members))
            return [words(name)] + names.map { found[$0] ?? "" }
        }
        let deeper = rows.flatMap { name, members in
            members.keys.sorted().compactMap { key -> String? in
                guard let value = members[key], isNested(value) else { return nil }
                return
                    "<h4>\(words(name).htmlEscaped), \(words(key).htmlEscaped)</h4>\(html(value))"
            }
        }
        return ReportPage.table(header: [""] + names, rows: body) + deeper.joined()
    }

    /// Members that fit into a cell, by their names in words, with their intervals.
    private static func scalars(_ members: [String: JSONValue]) -> [(name: String, text: String)] {
        members.keys.sorted().compactMap { key in
            guard let value = members[key], !isNested(value) else { return nil }
            if key.hasSuffix("_interval"), members[String(key.dropLast(9))] != nil { return nil }
            let interval = interval(members["\(key)_interval"])
            let ends = interval.map { " (\(decimals($0.lower)) to \(decimals($0.upper)))" } ?? ""
            return (words(key), text(value) + ends)
        }
    }

    private static func interval(_ value: JSONValue?) -> (lower: Double, upper: Double)? {
        guard let ends = value?.arrayValue, ends.count == 2, let lower = ends[0].doubleValue,
            let upper = ends[1].doubleValue
        else { return nil }
        return (lower, upper)
    }

    private static func isNested(_ value: JSONValue) -> Bool {
        switch value {
        case .object: true
        case .array(let elements):
            elements.contains { $0.objectValue != nil || $0.arrayValue != nil }
        default: false
        }
    }

    private static func text(_ value: JSONValue) -> String {
        switch value {
        case .null: "not measured"
        case .boolean(let flag): flag ? "yes" : "no"
        case .integer(let number): "\(number)"
        case .number(let number):
            abs(number) < 1000 && abs(number) >= 1e-3 || number == 0
                ? decimals(number) : significant(number)
        case .string(let text): text
        case .array(let elements): elements.map(text).joined(separator: ", ")
        case .object: ""
        }
    }

    private static func words(_ key: String) -> String { key.replacing("_", with: " ") }
}
