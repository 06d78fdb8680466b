import Configurations
import Foundation
import Runs
import Runtime
import TestSupport
import Testing

@testable import Reporting

@Suite struct ReportingTests {
    private func run(steps: Int, codebook: Bool = false) throws -> RunDirectory {
        let path = NSTemporaryDirectory() + "purkinje-report-\(UUID().uuidString)"
        let directory = RunDirectory(path: FilePath(path))
        let configuration = try Configuration(
            ["method": "st-mem", "batchSize": 8, "logicalShards": 4, "steps": 100],
            overrides: ["optimizer.learningRate=0.002"])
        try directory.create()
        try directory.write(
            RunRecord(
                id: .random(), configuration: configuration, version: "1 <test>",
                dataPath: "/data/ecg & more.purkinje", dataDigest: nil))
        let log = try MetricsLog(directory, after: 0)
        for step in 1...max(1, steps) where step <= steps {
            try log.append(
                StepMetrics(
                    step: step, loss: 1 / Double(step), learningRate: 1e-3,
                    samplesPerSecond: 20, worldSize: step < 5 ? 1 : 3, recomputed: step == 2,
                    seconds: .init(compute: 0.2, wait: 0.01, exchange: 0.02, update: 0.01),
                    details: codebook ? ["codebook": ["active": 12, "perplexity": 9.5]] : [:]))
            if step % 4 == 0 { try log.append(ValidationMetrics(step: step, loss: 0.5)) }
        }
        try log.synchronise()
        let events = try EventLog(directory)
        try events.append(.start, "coordinator started")
        try events.append(.fault, "worker 2 closed the <connection>")
        return directory
    }

    @Test func columnsHoldEveryNumber() throws {
        let directory = try run(steps: 12, codebook: true)
        defer { try? FileManager.default.removeItem(atPath: directory.path.text) }
        let history = try RunHistory(directory)
        #expect(history.lastStep == 12 && history.recomputedSteps == 1)
        #expect(history.training["loss"]?.values.first == 1)
        #expect(history.training["seconds/compute"]?.values.count == 12)
        #expect(history.training["codebook/perplexity"]?.median == 9.5)
        #expect(history.validation["loss"]?.steps == [4, 8, 12])
        #expect(history.events.count == 2 && history.damagedLines.isEmpty)
    }

    @Test func aDamagedLineIsCountedAndPassedOver() throws {
        let directory = try run(steps: 3)
        defer { try? FileManager.default.removeItem(atPath: directory.path.text) }
        let text = try String(contentsOfFile: directory.metricsPath.text, encoding: .utf8)
        try AtomicFile.write(text + "{\"step\":4,\"lo", to: directory.metricsPath)
        let history = try RunHistory(directory)
        #expect(history.lastStep == 3 && history.damagedLines.map(\.number) == [4])
    }

    @Test func thePageIsWholeAndAlone() throws {
        let directory = try run(steps: 12, codebook: true)
        defer { try? FileManager.default.removeItem(atPath: directory.path.text) }
        let html = try RunReport(
            directory, of: directory.read(),
            pictures: [.init(title: "Reconstructions", body: "<figure></figure>")]
        ).html
        for title in [
            "Summary", "Loss", "Codebook", "Reconstructions", "Throughput", "Workers and faults",
            "What was run", "Do it again",
        ] {
            #expect(html.contains(">\(title)</h2>"))
        }
        #expect(html.contains("1 &lt;test&gt;") && !html.contains("<test>"))
        #expect(html.contains("worker 2 closed the &lt;connection&gt;"))
        #expect(html.contains("ecg &amp; more.purkinje"))
        #expect(
            !html.contains("http://") && !html.contains("https://") && !html.contains("<script"))
        #expect(!html.contains(">nan") && !html.contains("\"nan"))
        #expect(try WellFormed.check(html) == [])
    }

    @Test(.needsBrowser(Browser.isInstalled))
    func aBrowserHasNothingToComplainOf() throws {
        let directory = try run(steps: 12, codebook: true)
        defer { try? FileManager.default.removeItem(atPath: directory.path.text) }
        let opened = try Browser.open(
            try RunReport(directory, of: directory.read(), pictures: []).html)
        #expect(opened.drawings == 7)
        #expect(opened.complaints.isEmpty, "\(opened.complaints)")
    }

    @Test func whatOnlyValidationMeasuresIsDrawnToo() throws {
        let directory = try run(steps: 12)
        defer { try? FileManager.default.removeItem(atPath: directory.path.text) }
        let log = try MetricsLog(directory, after: 12)
        try log.append(
            ValidationMetrics(
                step: 12, loss: 0.4, details: ["validation_auroc_macro": .number(0.81)]))
        try log.synchronise()
        let html = try RunReport(directory, of: directory.read(), pictures: []).html
        #expect(html.contains("<h3>auroc macro</h3>"))
    }

    @Test func aRunWithoutStepsHasAPageToo() throws {
        let directory = try run(steps: 0)
        defer { try? FileManager.default.removeItem(atPath: directory.path.text) }
        let html = try RunReport(directory, of: directory.read(), pictures: []).html
        #expect(html.contains("No step is done yet"))
        #expect(!html.contains("Throughput") && !html.contains("Codebook"))
    }

    @Test(arguments: [
        ([0.0, 10], [0.0, 2, 4, 6, 8, 10]), ([0.97, 1.03], [0.98, 1, 1.02]),
        ([-3.0, -1], [-3, -2.5, -2, -1.5, -1]),
    ])
    func ticksAreRound(values: [Double], ticks: [Double]) {
        let axis = Axis(values, includesZero: false, wanted: 5)
        #expect(axis.ticks.count == ticks.count)
        for (tick, expected) in zip(axis.ticks, ticks) { #expect(abs(tick - expected) < 1e-12) }
    }

    @Test func aConstantLineHasAnAxis() {
        let axis = Axis([3, 3], includesZero: false, wanted: 5)
        #expect(axis.low < 3 && axis.high > 3 && !axis.ticks.isEmpty)
        #expect(axis.fraction(of: 3).isFinite)
    }

    @Test func meansKeepTheFirstAndTheLastPart() throws {
        let directory = try run(steps: 100)
        defer { try? FileManager.default.removeItem(atPath: directory.path.text) }
        let thinned = try RunHistory(directory).training["loss"]?.thinned(to: 10)
        #expect(thinned?.values.count == 10)
        #expect(thinned?.steps.first == 5.5 && thinned?.steps.last == 95.5)
    }
}
