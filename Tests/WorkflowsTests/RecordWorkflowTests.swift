import Checkpoints
import ClinicalParameters
import CommandLineInterface
import Electrocardiography
import Foundation
import Runtime
import TestSupport
import Testing

@testable import Workflows

/// What `data` and `parameters` say of records, and where it goes.
@Suite struct RecordWorkflowTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func aRecordIsInspected() throws {
        let inspection = try RecordInspection(try folder.records(1))
        let json = inspection.json
        #expect(json["samples"]?.integerValue == 5000 && json["rate_hz"]?.doubleValue == 500)
        #expect(json["signals"]?.arrayValue?.count == 12)
        #expect(inspection.text.contains(": 12 signals, 500.0 Hz, 5000 samples (10.00 s)"))
        #expect(try inspection.picture(from: 9.9).contains("<svg"))
        for second in [10.0, 1e300] {
            #expect(throws: CommandError.self) { try inspection.picture(from: second) }
        }
    }

    @Test func aFolderIsInspectedWithWhatIsBroken() throws {
        _ = try folder.records(3)
        try folder.write("nonsense\n", to: "ecg/records500/00000/broken.hea")
        let json = try FolderInspection(folder.file("ecg")).json
        #expect(json["records"]?.integerValue == 4)
        let kinds = try #require(json["kinds"]?.arrayValue)
        #expect(kinds.count == 1 && kinds[0]["records"]?.integerValue == 3)
        #expect(
            kinds[0]["kind"]?.stringValue == "500.0 Hz, 12 signals, 12 standard leads, 10 s")
        #expect(json["broken"]?.arrayValue?.count == 1)
        let text = try FolderInspection(folder.file("ecg")).text
        #expect(text.contains("broken: records500/00000/broken: "), "\(text)")
    }

    @Test func aSetIsPreparedAndInspected() throws {
        _ = try folder.records(12)
        let output = folder.file("ecg.purkinje")
        func run(_ output: FilePath) throws -> PreparationRun {
            try PreparationRun(.init(sources: [folder.file("ecg")], output: output, threads: 2))
        }
        let summary = try #require(try run(output).run())
        #expect(summary.json["records"]?.integerValue == 12)
        #expect(summary.text.contains("12 records, 12 windows: "))
        #expect(summary.text.hasSuffix(".report.json"))
        let inspection = try PreparedInspection(output, window: 3)
        #expect(inspection.json["windows"]?.integerValue == 12)
        #expect((inspection.json["clinical_features_per_window"]?.integerValue ?? 0) > 0)
        #expect(inspection.text.contains("window 3: record "))
        #expect(inspection.json["followed_windows"]?.integerValue == 0)
        #expect(!inspection.text.contains("followed by"))
        #expect(try inspection.picture().contains("<svg"))
        #expect(throws: CommandError.self) { try PreparedInspection(output, window: 12) }
        for place in [
            "ecg/records500/00000/00001_hr.hea", "nowhere/set", String(repeating: "x", count: 240),
        ] {
            #expect(throws: CommandError.self, "\(place)") { try run(folder.file(place)) }
        }
    }

    @Test func aSetSaysWhichWindowsRunOn() throws {
        try folder.writeRecord("long/a", seconds: 35, rateHz: 100) { lead, second in
            sin((5 + Double(lead)) * second)
        }
        let output = folder.file("long.purkinje")
        _ = try PreparationRun(.init(sources: [folder.file("long")], output: output, threads: 1))
            .run()
        let inspection = try PreparedInspection(output, window: 0)
        #expect(inspection.json["followed_windows"]?.integerValue == 2)
        #expect(inspection.json["windows_join"]?.booleanValue == true)
        #expect(
            inspection.text.contains("followed by the next window of their record: 2 windows\n"))
    }

    @Test func aRecordIsExportedInPartsAndWhole() throws {
        let record = try folder.records(1)
        let file = folder.file("r.safetensors")
        func export(_ from: Int?, _ to: Int?) throws -> RecordExport.Exported {
            try RecordExport(from: from, to: to, keepsHighRate: false).write(record, as: file)
        }
        #expect(try export(nil, nil).json["samples"]?.integerValue == 5000)
        let whole = try SafetensorsFile(path: file).tensor("signal")
        #expect(whole.shape == [12, 5000])
        #expect(try export(100, 103).json["samples"]?.integerValue == 3)
        let part = try SafetensorsFile(path: file).tensor("signal")
        #expect(part.shape == [12, 3])
        #expect((0..<3).allSatisfy { part.floats[3 + $0] == whole.floats[5000 + 100 + $0] })
        #expect(try export(4990, nil).json["samples"]?.integerValue == 10)
        #expect(throws: CommandError.self) { try export(10, 9) }
    }

    @Test func aFolderIsExportedWithItsRefusals() throws {
        _ = try folder.records(2)
        try folder.write("nonsense\n", to: "ecg/records500/00000/broken.hea")
        let result = try RecordExport(from: nil, to: nil, keepsHighRate: false)
            .writeAll(below: folder.file("ecg"), into: folder.file("out"), namesRefused: false)
        #expect(result.text == "2 records exported, 1 refused")
        #expect(result.json["exported"]?.integerValue == 2)
        #expect(folder.file("out/records500/00000/00001_hr.safetensors").exists)
    }

    @Test func parametersAreMeasuredIntoATable() throws {
        let record = try folder.records(3)
        let table = folder.file("t.csv")
        let measurement = try ParameterMeasurement(
            of: [folder.file("ecg")], csv: table, picture: folder.file("pictures"), form: .text)
        #expect(try measurement.run(threads: 2))
        let lines = TextLines.split(try table.contents()).map { TextLines.decoded($0) }
        #expect(lines.filter { !$0.isEmpty }.count == 4)
        #expect(folder.file("pictures/records500/00000/00001_hr.svg").exists)
        try folder.file("empty").makeFolders()
        for (paths, csv, picture) in [
            ([folder.file("empty")], nil, nil), ([record], folder.file("empty"), nil),
            ([record], nil, record + ".hea"), ([folder.file("ecg")], nil, record + ".hea"),
        ] as [([FilePath], FilePath?, FilePath?)] {
            #expect(throws: CommandError.self) {
                try ParameterMeasurement(of: paths, csv: csv, picture: picture, form: .text)
            }
        }
        // One that cannot be read is no failure beside one that can.
        try folder.write("nonsense\n", to: "broken.hea")
        func isMeasured(_ paths: [FilePath]) throws -> Bool {
            try ParameterMeasurement(of: paths, csv: nil, picture: nil, form: .text)
                .run(threads: 1)
        }
        #expect(try isMeasured([folder.file("broken"), record]))
        #expect(try !isMeasured([folder.file("broken")]))
    }

    @Test func namesakesGetAsMuchOfTheirPathsAsTheyNeed() {
        func names(_ paths: [(FilePath, Int)]) -> [String] {
            ListedRecord.named(paths.map { (path: $0.0, parts: $0.1) }).map(\.name.text)
        }
        #expect(names([("/a/x.hea", 1), ("/a/y", 1)]) == ["x", "y"])
        #expect(names([("/a/b/x", 1), ("/a/c/x", 1), ("/a/y", 1)]) == ["b/x", "c/x", "y"])
        #expect(names([("/a/b/c/x", 1), ("/d/b/c/x", 1)]) == ["a/b/c/x", "d/b/c/x"])
        #expect(names([("/a/x", 1), ("/a/x.hea", 1)]) == ["x", "x"])
        #expect(names([("/a/b/x", 2)]) == ["b/x"])
    }

    @Test func speedIsMeasuredInRounds() throws {
        let json = try ParameterBenchmark(records: 2, rounds: 3).json
        #expect((json["beats_per_record"]?.doubleValue ?? 0) > 3)
        let rate = json["records_per_second"]?.doubleValue ?? 0
        #expect(rate > 0 && rate <= json["fastest_records_per_second"]?.doubleValue ?? 0)
    }
}
