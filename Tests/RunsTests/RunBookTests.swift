import Checkpoints
import Configurations
import Foundation
import Runs
import Runtime
import Testing

@Suite struct RunBookTests {
    private let run = TemporaryRun()
    private let dataset = SHA256.digest(of: [1])

    private func book(after step: UInt64 = 0) throws -> RunBook {
        try run.directory.create()
        let record = RunRecord(
            id: .random(),
            configuration: try Configuration([
                "method": "st-mem", "batchSize": 12, "logicalShards": 4, "steps": 9,
            ]), version: "1", dataPath: nil, dataDigest: nil)
        try run.directory.write(record)
        return try RunBook(run.directory, record: record, after: step)
    }

    private func lines(_ path: FilePath) throws -> [JSONValue] {
        try String(contentsOfFile: path.text, encoding: .utf8).split(separator: "\n")
            .map { try JSONValue(parsing: $0.utf8) }
    }

    private func making(recomputed: Bool = false) -> RunBook.Making {
        RunBook.Making(
            seconds: 3, worldSize: 2, recomputed: recomputed, compute: 2, wait: 0.5, exchange: 0.25)
    }

    @Test func aStepIsALine() throws {
        let line = try book().append(
            step: 4, report: ["loss": 0.5, "learning_rate": 0.1, "gradient_norm": 2],
            updateSeconds: 0.125, making: making())
        #expect(line.step == 4 && line.samplesPerSecond == 4 && line.worldSize == 2)
        #expect(
            line.seconds == .init(compute: 2, wait: 0.5, exchange: 0.25, update: 0.125))
        #expect(
            try lines(run.directory.metricsPath) == [JSONValue(parsing: line.json.text().utf8)])
        #expect(try lines(run.directory.eventsPath).isEmpty)
    }

    @Test func aStepThatNobodyRemembersIsALineToo() throws {
        let line = try book().append(
            step: 4, report: ["loss": 0.5], updateSeconds: 0.5, making: nil)
        #expect(line.worldSize == 0 && line.samplesPerSecond.isNaN && line.seconds.wait.isNaN)
        #expect(try book(after: 4).lastStep == 4)
    }

    /// A step measures the state before its update, whatever its report says of that.
    @Test(arguments: [nil, 3, 2] as [Int64?])
    func aStepsValidationIsOfTheStateThatItBeganFrom(told: Int64?) throws {
        var report: [String: JSONValue] = ["loss": 1, "validation_loss": 0.75]
        if let told { report["validation_step"] = .integer(told) }
        let book = try book()
        _ = try book.append(
            step: 4, report: .object(report), updateSeconds: 0, making: making())
        let validation = try lines(run.directory.metricsPath)[1]
        #expect(validation["step"]?.integerValue == Int(told ?? 3))
        #expect(validation["validation_loss"] == 0.75)
        #expect(try book.append(closing: ["validation_loss": 0.5])?.step == 9)
        #expect(try book.append(closing: .null) == nil)
        #expect(try lines(run.directory.metricsPath).count == 3)
    }

    @Test func aStepThatWasComputedAgainIsAnEvent() throws {
        _ = try book().append(
            step: 7, report: ["loss": 1], updateSeconds: 0, making: making(recomputed: true))
        let events = try lines(run.directory.eventsPath)
        #expect(events.map { $0["event"]?.stringValue } == ["recomputed"])
        #expect(events[0]["step"]?.integerValue == 7)
    }

    @Test func stepsThatAreDoneAgainAreCut() throws {
        let book = try book()
        for step in 1...5 as ClosedRange<UInt64> {
            _ = try book.append(
                step: step, report: ["loss": 1], updateSeconds: 0, making: making())
        }
        #expect(try book.rewind(to: 2).isEmpty)
        #expect(try book.lastStep == 2)
        _ = try book.append(step: 3, report: ["loss": 2], updateSeconds: 0, making: making())
        #expect(try lines(run.directory.metricsPath).map { $0["step"]?.integerValue } == [1, 2, 3])
        #expect(book.roomNews() == nil)
    }

    @Test func damageIsToldAndIsAnEvent() throws {
        try run.directory.create()
        try AtomicFile.write("{\"step\": 1, \"lo\n", to: run.directory.metricsPath)
        let book = try book(after: 3)
        #expect(book.mendings.count == 1)
        let events = try lines(run.directory.eventsPath)
        #expect(events.map { $0["message"]?.stringValue } == book.mendings)
    }

    @Test func checkpointsSayWhereTheDataGoesOn() throws {
        let book = try book()
        let context = book.checkpointContext(
            step: 5, dataset: dataset, matrixLibrary: "library", matrixKernel: "kernel")
        #expect(context.cursor == 60 && context.step == 5)
        let record = try run.directory.read()
        #expect(context.configurationDigest == record.configuration.digest(dataset: dataset))
        #expect(context.run == "\(record.id)" && context.software == Software.version)
        try book.note(dataset: dataset)
        #expect(try run.directory.read().dataDigest == dataset)
    }
}
