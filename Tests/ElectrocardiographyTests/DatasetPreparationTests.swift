import Foundation
import Kernels
import Runtime
import TestSupport
import Testing

@testable import Electrocardiography

@Suite struct DatasetPreparationTests {
    /// A folder with PTB-XL-like records, namesakes, copies, and one record for every reason to be skipped.
    private static func sources() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        _ = try SyntheticDataset(recordCount: 12, seed: 3).write(
            to: folder.file("ptb"), threads: 2)
        // Record 12 stays in the table and loses its file; 11 is of fold 10.
        let gone = folder.file("ptb/records500/00000/00012_hr").text
        for ending in [".hea", ".dat"] {
            try FileManager.default.removeItem(atPath: gone + ending)
        }
        let other = "other/"
        try record("HR00001", folder, other)
        try record("HR00012", folder, other)
        try record("HR77777", folder, other)
        try record("a_long", folder, other, seconds: 25, rate: 257)
        try record("b_copy", folder, other, seconds: 25, rate: 257, seed: "a_long")
        try record("c_short", folder, other, seconds: 9)
        try record("d_lead", folder, other, leads: Lead.allCases.dropLast().map(\.name))
        try record("e_units", folder, other, units: "mmHg")
        try record("f_flat", folder, other, flat: 1)
        try record("g_gap", folder, other, seconds: 30, invalidAt: 100 * 12)
        try record("h_gone", folder, other)
        try FileManager.default.removeItem(atPath: folder.file("other/h_gone.dat").text)
        try folder.write("h 12 -1\n", to: "other/i_broken.hea")
        try record("j_slow", folder, other, rate: 20)
        return folder
    }

    private static func record(
        _ name: String, _ folder: TemporaryFolder, _ below: String, seconds: Int = 10,
        rate: Int = 100, leads: [String] = Lead.allCases.map { $0.name.uppercased() },
        units: String = "mV", seed: String? = nil, flat: Int? = nil, invalidAt: Int? = nil
    ) throws {
        let key = (seed ?? name).utf8.reduce(UInt64(7)) { $0 &* 31 &+ UInt64($1) }
        var random = RandomStream(seed: key, purpose: .test)
        var samples = (0..<seconds * rate * leads.count).map { i -> Int16 in
            i % leads.count == flat ? 5 : Int16(random.nextInteger(below: 2000) - 1000)
        }
        if let invalidAt { samples[invalidAt] = .min }
        var lines = ["\(name) \(leads.count) \(rate) \(seconds * rate)"]
        for (i, lead) in leads.enumerated() {
            let sum = stride(from: i, to: samples.count, by: leads.count)
                .reduce(Int16(0)) { $0 &+ samples[$1] }
            lines.append(
                "\(name).dat 16 1000(0)/\(units) 16 0 \(samples[i]) \(sum) 0 \(lead)")
        }
        lines += ["# Age: 61", "# Sex: Female", "# Dx: 426783006"]
        try folder.write(lines.joined(separator: "\n"), to: below + name + ".hea")
        try folder.write(
            samples.flatMap {
                [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)]
            }, to: below + name + ".dat")
    }

    private static func prepare(
        _ folder: TemporaryFolder, _ output: String, threads: Int = 1, stopAfter: Int? = nil,
        _ change: (inout DatasetPreparation.Options) -> Void = { _ in }
    ) throws -> DatasetPreparation.Outcome {
        var options = DatasetPreparation.Options(
            sources: [folder.file("ptb"), folder.file("other")],
            output: folder.file(output), threads: threads, features: features)
        change(&options)
        let isStopped = Locked(stopAfter == 0)
        return try DatasetPreparation(options).run(shouldStop: { isStopped.withLock { $0 } }) {
            if let stopAfter, $0.recordsDone - $0.resumedRecords >= stopAfter {
                isStopped.withLock { $0 = true }
            }
        }
    }

    /// Each of these would take records twice.
    @Test(arguments: [
        ["ptb", "ptb"], ["ptb", "link"], ["ptb/records500", "ptb"],
        ["ptb", "ptb/records500/00000"],
        ["other", "."],
    ])
    func sourcesShareNoFolder(names: [String]) throws {
        let folder = try Self.sources()
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("link").text, withDestinationPath: folder.file("ptb").text)
        let paths = names.map { folder.file($0) }
        let error = #expect(throws: SourceError.self) {
            try Self.prepare(folder, "set") { $0.sources = paths }
        }
        #expect(error?.field == SourceError.overlap && error?.file == paths[1])
        #expect(error?.problem.contains("the source \(paths[0]),") == true)
    }

    /// A converter at its limit and a record of zeros are prepared, and said to be no heart's.
    @Test func recordsWithoutASignalAreCounted() throws {
        let folder = try TemporaryFolder()
        try Self.record("a", folder, "ecg/")
        for (name, value) in [("b", Int16(0)), ("c", 32_767)] {
            let samples = Array(repeating: value, count: 12 * 1_000)
            let sum = (0..<1_000).reduce(Int16(0)) { sum, _ in sum &+ value }
            let lines =
                ["\(name) 12 100 1000"]
                + Lead.allCases.map {
                    "\(name).dat 16 1000(0)/mV 16 0 \(value) \(sum) 0 \($0.name)"
                }
            try folder.write(lines.joined(separator: "\n"), to: "ecg/\(name).hea")
            try folder.write(
                samples.flatMap {
                    [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)]
                }, to: "ecg/\(name).dat")
        }
        let outcome = try Self.prepare(folder, "set") { $0.sources = [folder.file("ecg")] }
        guard case .finished(let report) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(report.recordCount == 3)
        #expect(report.notes.contains { $0 == (RecordPreparation.constantLeads, 2) })
    }

    /// Three numbers of a window: its rate, the sum of lead II, and one that nobody can measure.
    private static let features = WindowFeatures(count: 3, version: "test") {
        { leads, rate in [Float(rate), leads[1].reduce(0, +), .nan] }
    }

    private static func finished(_ outcome: DatasetPreparation.Outcome) throws -> PreparationReport
    {
        guard case .finished(let report) = outcome else {
            throw SourceError(file: "", field: "", problem: "the preparation was interrupted")
        }
        return report
    }

    @Test func everyRecordIsInTheSetOrNamedWithItsReason() throws {
        let folder = try Self.sources()
        let report = try Self.finished(Self.prepare(folder, "set"))
        let reasons = Dictionary(
            uniqueKeysWithValues: report.skipped.map { ($0.record, $0.reason) })
        #expect(
            reasons == [
                "HR00001": .ptbxlRecord, "HR00012": .ptbxlRecord, "HR77777": .ptbxlRecord,
                "c_short": .shorterThanWindow, "d_lead": .leadMissing, "e_units": .notVoltage,
                "h_gone": .brokenSignal, "i_broken": .brokenHeader, "j_slow": .unusualRate,
            ])
        #expect(report.sources.map(\.missingFileCount) == [1, 0])
        #expect(report.sources.map(\.recordCount) == [11, 4])
        // Two whole windows of 25 s, twice; the flat lead stays; one of three windows has a gap.
        #expect(report.sources.map(\.windowCount) == [11, 2 + 2 + 1 + 2])
        #expect(report.sources[1].invalidWindowCount == 1)
        #expect(report.duplicates == [.init(record: "b_copy", sameAs: "a_long", isKept: true)])
        let set = try PreparedDataset(path: folder.file("set"))
        try set.verify()
        #expect(set.windowCount == 18 && set.samplesPerWindow == 2500)
        #expect(set.window(0).record.name == "1" && set.window(0).record.patient != nil)
        #expect((0..<11).map { set.window($0).record.fold }.allSatisfy { $0 != nil })
        let gap = set.window(16)
        #expect(gap.record.name == "g_gap" && gap.piece == 1 && gap.record.fold == nil)
        #expect(gap.record.ageYears == 61 && gap.record.sex == .female)
        #expect(gap.record.codes == [DiagnosticCode(code: "426783006", likelihood: nil)])
        #expect(gap.record.superclasses == Superclasses(.norm))
        #expect(set.superclass(ofCode: "CLBBB") == .cd && set.superclass(ofCode: "SR") == nil)
        #expect(FileManager.default.fileExists(atPath: folder.file("set.report.json").text))
        #expect(!FileManager.default.fileExists(atPath: folder.file("set.partial").text))
    }

    @Test func namesakesTakePatientAndFoldWhenTheOriginalIsNotThere() throws {
        let folder = try Self.sources()
        // Record 7 is of fold 6: its file goes, its namesake comes.
        for ending in [".hea", ".dat"] {
            try FileManager.default.removeItem(
                atPath: folder.file("ptb/records500/00000/00007_hr").text + ending)
        }
        try Self.record("HR00007", folder, "other/")
        let report = try Self.finished(Self.prepare(folder, "set"))
        #expect(!report.skipped.contains { $0.record == "HR00007" })
        let set = try PreparedDataset(path: folder.file("set"))
        let found = (0..<set.windowCount).map { set.window($0).record }
            .first { $0.name == "HR00007" }
        #expect(found?.fold == 6 && found?.patient == "ptb-xl:10006")
        // PTB-XL has the record's label, so a probe never learns from the namesake.
        #expect(found?.superclasses == [])
    }

    @Test func theBytesDependNeitherOnThreadsNorOnInterruptions() throws {
        let folder = try Self.sources()
        _ = try Self.prepare(folder, "one", threads: 1)
        _ = try Self.prepare(folder, "four", threads: 4)
        let expected = try Data(contentsOf: URL(fileURLWithPath: folder.file("one").text))
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.file("four").text)) == expected)
        var interruptions = 0
        while case .interrupted(let progress) = try Self.prepare(
            folder, "cut", threads: 2, stopAfter: 4)
        {
            interruptions += 1
            #expect(progress.recordsDone > 0 && interruptions < 20)
            #expect(!FileManager.default.fileExists(atPath: folder.file("cut").text))
        }
        // Threads run up to 16 of the 21 records ahead, so at least one call is cut short.
        #expect(interruptions > 0)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.file("cut").text)) == expected)
    }

    @Test func everyWindowHasItsFeaturesFromTheSourceRate() throws {
        let folder = try Self.sources()
        _ = try Self.prepare(folder, "set")
        let set = try PreparedDataset(path: folder.file("set"))
        #expect(set.clinicalFeatureCount == 3)
        for window in 0..<set.windowCount {
            let description = set.window(window)
            var features = [Float](repeating: 0, count: 3)
            var span = features.mutableSpan
            set.clinicalFeatures(of: window, into: &span)
            #expect(features[0] == Float(description.record.sourceRateHz) && features[2].isNaN)
            guard description.record.source == 1 else { continue }
            let source = try WFDBRecord.read(
                folder.file("other/\(description.record.name)"))
            let length = Int(10 * source.sampleRateHz)
            let lead = try #require(source.standardLeads()[1]).samples
            let sum = lead[description.piece * length..<(description.piece + 1) * length]
                .reduce(0, +)
            #expect(features[1] == sum)
        }
        _ = try Self.prepare(folder, "bare") { $0.features = nil }
        #expect(
            try PreparedDataset(path: folder.file("bare")).clinicalFeatureCount == 0)
    }

    @Test(arguments: [0, 1, 2, 3, 4]) func whatAKillLeftBehindIsMended(kind: Int) throws {
        let folder = try Self.sources()
        _ = try Self.prepare(folder, "one")
        guard case .interrupted = try Self.prepare(folder, "cut", stopAfter: 6) else {
            Issue.record("the preparation was not interrupted")
            return
        }
        let (data, journal) = (
            folder.file("cut.partial").text, folder.file("cut.partial.journal").text
        )
        func size(_ path: String) throws -> UInt64 {
            try FileManager.default.attributesOfItem(atPath: path)[.size] as? UInt64 ?? 0
        }
        func damage(_ path: String, _ change: (FileHandle, UInt64) throws -> Void) throws {
            let handle = try #require(FileHandle(forUpdatingAtPath: path))
            try change(handle, size(path))
            try handle.close()
        }
        switch kind {
        case 0: try damage(journal) { try $0.truncate(atOffset: $1 - 3) }
        case 1: try damage(data) { try $0.truncate(atOffset: $1 - 70_000) }
        case 2:
            try damage(data) {
                try $0.seek(toOffset: $1 / 2)
                $0.write(Data([1, 2, 3, 4, 5, 6, 7]))
            }
        case 3:
            try damage(journal) { handle, _ in
                try handle.seek(toOffset: 2)
                handle.write(Data([0]))
            }
        default: try FileManager.default.removeItem(atPath: data)
        }
        _ = try Self.finished(Self.prepare(folder, "cut"))
        let expected = try Data(contentsOf: URL(fileURLWithPath: folder.file("one").text))
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.file("cut").text)) == expected)
    }

    @Test func optionsChooseWindowsCopiesAndRate() throws {
        let folder = try Self.sources()
        let first = try Self.finished(
            Self.prepare(folder, "first") { $0.takesFirstWindowOnly = true })
        #expect(first.windowCount == first.recordCount && first.recordCount == 15)
        let unique = try Self.finished(Self.prepare(folder, "unique") { $0.keepsUniqueOnly = true })
        #expect(unique.recordCount == 14 && unique.skipped.contains { $0.reason == .duplicate })
        let slow = try Self.finished(Self.prepare(folder, "slow") { $0.rateHz = 100 })
        #expect(slow.windowCount == 18)
        let set = try PreparedDataset(path: folder.file("slow"))
        #expect(set.samplesPerWindow == 1000)
        // At its own rate a record of whole microvolts comes back as it was, to the last bit of 16.
        var signal = [Float](repeating: 0, count: 12_000)
        let window = try #require((0..<18).first { set.window($0).record.name == "f_flat" })
        var span = signal.mutableSpan
        try set.readMillivolts(window: window, into: &span)
        let record = try WFDBRecord.read(folder.file("other/f_flat"))
        for (lead, expected) in record.standardLeads().enumerated() {
            for t in 0..<1000 {
                #expect(abs(signal[lead * 1000 + t] - (expected?.samples[t] ?? .nan)) <= 0x1p-15)
            }
        }
        #expect(throws: SourceError.self) {
            try Self.prepare(folder, "none") { $0.sources = [folder.file("nothing")] }
        }
        #expect(throws: SourceError.self) {
            try Self.prepare(folder, "none") {
                $0.sources = [folder.file("ptb")]; $0.sourceRateHz = 100
            }
        }
    }

    @Test func damagedSetsAreRefusedByPlace() throws {
        let folder = try Self.sources()
        _ = try Self.prepare(folder, "set")
        let url = URL(fileURLWithPath: folder.file("set").text)
        let bytes = try [UInt8](Data(contentsOf: url))
        for count in [0, 7, 100, 4095, 4096, bytes.count / 2, bytes.count - 1] {
            try Data(bytes.prefix(count)).write(to: url)
            #expect(throws: PreparedDatasetError.self) {
                try PreparedDataset(path: FilePath(url.path))
            }
        }
        for at in Array(0..<128) + [bytes.count - 1, bytes.count - 900] {
            var damaged = bytes
            damaged[at] ^= 0x10
            try Data(damaged).write(to: url)
            #expect(throws: PreparedDatasetError.self, "byte \(at)") {
                try PreparedDataset(path: FilePath(url.path))
            }
        }
        var damaged = bytes
        damaged[4096 + 60_000 + 77] ^= 1
        try Data(damaged).write(to: url)
        let set = try PreparedDataset(path: FilePath(url.path))
        #expect {
            try set.verify()
        } throws: {
            "\($0)".contains("window 1, record 2")
        }
    }

    @Test func aSetThatIsCutWhileItIsReadIsNamed() throws {
        let folder = try Self.sources()
        _ = try Self.prepare(folder, "set")
        let path = folder.file("set").text
        let set = try PreparedDataset(path: FilePath(path))
        var signal = [Float](repeating: 0, count: 12 * set.samplesPerWindow)
        func read() throws {
            var span = signal.mutableSpan
            try set.readMillivolts(window: 0, into: &span)
        }
        try read()
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
        truncate(path, off_t(size - 1))
        let error = #expect(throws: PreparedDatasetError.self) { try read() }
        #expect(error?.file == FilePath(path) && error?.field == "size")
        #expect(error?.problem.contains("cut from \(size) to \(size - 1) bytes") == true)
    }

    @Test(.needsRecords)
    func theFourCollectionsHaveTheReferenceRunsRecords() throws {
        let data = Fixtures.dataFolder
        let folder = try TemporaryFolder()
        let report = try Self.finished(
            DatasetPreparation(
                .init(
                    sources: ["ptb-xl", "ecg-arrhythmia", "challenge-2021", "ludb"].map {
                        "\(data)/\($0)"
                    }, output: folder.file("four"), takesFirstWindowOnly: true,
                    sourceRateHz: 100, threads: 2)
            ).run())
        #expect(report.folds == .init(training: 1345, validation: 174, test: 176))
        #expect(report.sources.map(\.recordCount) == [1401, 59, 94, 141])
        #expect(report.skipped.map(\.reason) == Array(repeating: .ptbxlRecord, count: 6))
    }
}
