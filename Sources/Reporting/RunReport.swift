import Checkpoints
import Configurations
import Foundation
import Runs
import Runtime

/// The page about one run: what was run, how it went, who took part, and how to do it again.
public struct RunReport {
    private let directory: RunDirectory
    private let record: RunRecord
    private let history: RunHistory
    private let checkpoint: (name: CheckpointName, manifest: Manifest)?
    private let pictures: [ReportPage.Section]

    /// Reads a run.
    ///
    /// - Parameters:
    ///   - directory: The run.
    ///   - record: What it says of itself.
    ///   - pictures: Sections with drawings of the method, such as reconstructions.
    /// - Throws: `RunError` where metrics or events cannot be read, `CheckpointError` where checkpoints cannot be listed.
    public init(
        _ directory: RunDirectory, of record: RunRecord, pictures: [ReportPage.Section]
    ) throws {
        (self.directory, self.record) = (directory, record)
        history = try RunHistory(directory)
        let store = directory.checkpoints
        checkpoint = try store.list().first.map { ($0, try store.manifest(of: $0)) }
        self.pictures = pictures
    }

    /// The page.
    public var html: String {
        let configuration = record.configuration
        return ReportPage(
            title:
                "\(configuration.method.name) · \(directory.path.absolute.lastComponent)",
            subtitle: "\(history.lastStep) of \(configuration.steps) steps, run \(record.id), "
                + "Purkinje \(record.version)",
            sections: [
                .init(title: "Summary", body: summary), .init(title: "Loss", body: losses),
                .init(title: "What else was measured", body: otherMeasures),
                .init(title: "Codebook", body: codebook),
            ] + pictures + [
                .init(title: "Throughput", body: throughput),
                .init(title: "Workers and faults", body: workers),
                .init(title: "What was run", body: configurationTable),
                .init(title: "Do it again", body: commands),
            ]
        ).html
    }

    // MARK: Sections

    private var summary: String {
        var tiles: [(String, String)] = [("\(history.lastStep)", "steps done")]
        if let loss = history.training["loss"] {
            let tail = loss.values.suffix(20)
            tiles.append(
                (
                    significant(tail.reduce(0, +) / Double(tail.count)),
                    "training loss, last \(tail.count)"
                ))
        }
        if let loss = history.validation["loss"]?.last {
            tiles.append((significant(loss), "validation loss"))
        }
        if let rate = history.training["samples_per_second"]?.median {
            tiles.append((significant(rate), "samples a second, median"))
        }
        if let workers = history.training["world_size"]?.values.max() {
            tiles.append((format(workers), "workers at most"))
        }
        tiles.append(("\(events(.fault).count)", "faults survived"))
        tiles.append(("\(history.recomputedSteps)", "steps computed twice"))
        return ReportPage.tiles(tiles) + damagedLines
    }

    private var damagedLines: String {
        let damaged = history.damagedLines
        guard !damaged.isEmpty else { return "" }
        var lines = damaged.prefix(10).map { "<li>\($0.description.htmlEscaped)</li>" }
        if damaged.count > 10 { lines.append("<li>and \(damaged.count - 10) more</li>") }
        return
            "<p class=\"note\">Damaged lines of its history, \(damaged.count) in all, are passed over, and set aside "
            + "when the run goes on:</p><ul>\(lines.joined())</ul>"
    }

    private var losses: String {
        guard let training = history.training["loss"], !training.values.isEmpty else {
            return "<p>No step is done yet.</p>"
        }
        let validation = history.validation["loss"]
        func chart(from step: Double, title: String) -> String {
            var series = [line("training", training.from(step: step))]
            if let validation = validation?.from(step: step), !validation.values.isEmpty {
                series.append(line("validation, fixed draws", validation))
            }
            return LineChart(title: title, series: series).html
        }
        let whole = chart(from: 0, title: "Loss over steps")
        // The first steps fall so far that nothing else would show.
        let start = (training.steps.last ?? 0) / 10
        let rest =
            training.values.count < 100
            ? ""
            : "<h3>Without the first tenth</h3>"
                + chart(from: start, title: "Loss after the first tenth")
        let thin = max(1, training.values.count / Self.points)
        let note =
            thin == 1
            ? ""
            : "<p class=\"note\">Points of the training loss are means of about \(thin) steps.</p>"
        return whole + note + rest
    }

    private var otherMeasures: String {
        let known = ["loss", "learning_rate", "samples_per_second", "world_size"]
        let names = measures.filter {
            !known.contains($0) && !$0.hasPrefix("seconds/") && !$0.hasPrefix("codebook/")
        }
        return charts(of: (names + ["learning_rate"]).sorted(), in: history)
    }

    private var codebook: String {
        charts(of: measures.filter { $0.hasPrefix("codebook/") }, in: history)
    }

    /// What was measured in training, in validation or in both, such as a classifier's AUROC.
    private var measures: [String] {
        Set(history.training.keys).union(history.validation.keys).sorted()
    }

    private func charts(of names: [String], in history: RunHistory) -> String {
        let figures = names.compactMap { name -> String? in
            let columns = [
                ("training", history.training[name]), ("validation", history.validation[name]),
            ]
            let series = columns.compactMap { kind, column in
                column.flatMap { $0.values.isEmpty ? nil : line(kind, $0) }
            }
            guard !series.isEmpty else { return nil }
            let title = name.replacingOccurrences(of: "_", with: " ")
                .replacingOccurrences(of: "/", with: ": ")
            return "<div><h3>\(title.htmlEscaped)</h3>"
                + LineChart(title: title, series: series, isSmall: true, height: 220)
                .html + "</div>"
        }
        return figures.isEmpty ? "" : "<div class=\"pair\">\(figures.joined())</div>"
    }

    private var throughput: String {
        guard let rate = history.training["samples_per_second"], !rate.values.isEmpty else {
            return ""
        }
        let shares = ["compute", "wait", "exchange", "update"].compactMap { name in
            history.training["seconds/\(name)"].map { line(name, $0) }
        }
        return LineChart(
            title: "Samples a second over steps", series: [line("samples a second", rate)],
            startsAtZero: true, height: 220
        ).html + "<h3>Seconds of a step</h3>"
            + LineChart(
                title: "Seconds of a step by what they went to", series: shares, startsAtZero: true
            ).html
    }

    private var workers: String {
        guard let size = history.training["world_size"], !size.values.isEmpty else { return "" }
        var points: [(x: Double, y: Double)] = []
        for (index, (x, y)) in zip(size.steps, size.values).enumerated()
        where index == 0 || index == size.values.count - 1 || y != points.last?.y {
            points.append((x, y))
        }
        let chart = LineChart(
            title: "Workers over steps", series: [.init(name: "workers", points: points)],
            startsAtZero: true, isStepped: true, height: 180)
        // Steps that were computed again are counted above; there may be hundreds.
        let shown = history.events.filter {
            $0["event"]?.stringValue != EventLog.Kind.recomputed.rawValue
        }
        let rows = shown.suffix(Self.events).map { event in
            [
                event["time"]?.stringValue ?? "", event["event"]?.stringValue ?? "",
                event["message"]?.stringValue ?? "",
            ]
        }
        let table = ReportPage.table(header: ["time", "event", "what happened"], rows: rows)
        let left =
            shown.count > rows.count
            ? "<p class=\"note\">\(shown.count - rows.count) earlier events left out.</p>" : ""
        return chart.html + ReportPage.folded("\(rows.count) events", left + table)
    }

    private var configurationTable: String {
        var rows = [["run", "\(record.id)"], ["software", record.version]]
        if let digest = record.dataDigest { rows.append(["data set", "sha256:\(digest)"]) }
        if let (name, manifest) = checkpoint {
            rows += [
                ["checkpoint", "\(name)"], ["state", "sha256:\(manifest.stateDigest)"],
                ["matrix kernel", manifest.context.matrixKernel],
            ]
        }
        let entries = record.configuration.entries
        let method = JSONValue.string(record.configuration.method.name)
        let defaults = (try? Configuration(["method": method]))?.entries ?? []
        let given = entries.filter { entry in
            entry.key == "method"
                || defaults.first { $0.key == entry.key }?.value.text() != entry.value.text()
        }
        func table(_ entries: [ConfigurationEntry]) -> String {
            ReportPage.table(
                header: ["key", "value"], rows: entries.map { [$0.key, $0.value.text()] })
        }
        return ReportPage.table(header: ["", ""], rows: rows)
            + "<h3>Settings that are not the method's defaults</h3>" + table(given)
            + ReportPage.folded("all \(entries.count) settings", table(entries))
    }

    private var commands: String {
        let data = record.dataPath ?? "DATA"
        let size = Int(history.training["world_size"]?.values.max() ?? 1)
        let weights =
            record.configuration.initialWeights.map {
                "\n# begins with the weights whose SHA-256 is \($0): add --initialise-from RUN|FILE"
            } ?? ""
        return """
            <p>Any number of workers gives the same state, to the bit. The settings above, as a file:</p>
            <pre>cat &gt; configuration.json &lt;&lt;'END'
            \(record.configuration.resolved.text(pretty: true).htmlEscaped)
            END\(weights)
            purkinje launch --config configuration.json --data \(data.shellWord.htmlEscaped) --run again --workers \(size)
            purkinje checkpoint digest again</pre>
            """
    }

    // MARK: Parts

    /// Points of a line, and events in the table, at most.
    private static let points = 400
    private static let events = 200

    private func events(_ kind: EventLog.Kind) -> [JSONValue] {
        history.events.filter { $0["event"]?.stringValue == kind.rawValue }
    }

    private func line(_ name: String, _ column: RunHistory.Column) -> LineChart.Series {
        let thinned = column.thinned(to: Self.points)
        return LineChart.Series(
            name: name, points: zip(thinned.steps, thinned.values).map { ($0, $1) },
            hasMarks: thinned.values.count <= 40)
    }
}
