import Runtime
import Foundation
import TestSupport
import Testing

@testable import Electrocardiography

/// What header(5) and libwfdb say of headers that announce less, or leave more open, than usual ones.
@Suite struct HeaderFormatTests {
    private func header(_ text: String) throws -> WFDBHeader {
        try WFDBHeader(parsing: Array(text.utf8), path: "r.hea")
    }

    @Test(arguments: ["r.xyz 16 2000", "no line of a signal", "~ 0", "r.dat 16y"])
    func signalLinesBehindTheAnnouncedOnesAreNotRead(extra: String) throws {
        let header = try header("r 1 500 10\nr.dat 16 100 16 0 0 0 0 I\n\(extra)\n# Age: 50\n")
        #expect(header.signals.map(\.description) == ["I"])
        #expect(header.comments == [" Age: 50"])
        #expect(header.extraLineCount == 1)
        #expect(header.notes == ["\(WFDBHeader.extraLines): 1"])
    }

    @Test func segmentLinesBehindTheAnnouncedOnesAreNotRead() throws {
        let header = try header("r/2 1 500 20\na 10\nb 10\nc 10\nno segment at all\n#x\n")
        #expect(header.segments.map(\.name) == ["a", "b"])
        #expect(header.extraLineCount == 2 && header.comments == ["x"])
    }

    @Test(
        arguments: [
            ("", 0, "mV"), ("0", 0, "mV"), ("-0", 0, "mV"), ("0.0", 0, "mV"), ("0e3", 0, "mV"),
            ("0/mV", 0, "mV"), ("0(5)/mV", 5, "mV"), ("0/uV", 0, "uV"), ("/mV", 0, "mV"),
            ("(7)/mV", 7, "mV"), ("(7)", 7, "mV"),
        ])
    func aGainThatIsZeroOrMissingIsTwoHundred(field: String, baseline: Int, units: String) throws {
        let signal = try #require(try header("r 1 500 10\nr.dat 16 \(field)\n").signals.first)
        #expect(!signal.isCalibrated && signal.gain == 200)
        #expect(signal.baseline == baseline && signal.units == units)
    }

    @Test func whichSignalsAreUncalibratedIsSaid() throws {
        let some = try header("r 2 500 10\nr.dat 16 0 16 0 0 0 0 I\nr.dat 16 -100 16 0 0 0 0 II")
        #expect(some.signals.map(\.gain) == [200, -100])
        #expect(some.notes.count == 1)
        #expect(
            some.notes.first?.hasPrefix("uncalibrated: the header has no gain for I, or 0") == true)
        let calibrated = try header("r 1 500 10\nr.dat 16 100\n")
        #expect(calibrated.notes.isEmpty)
    }

    /// libwfdb: frames are the samples of the header over those of a frame, to the nearest, halves upwards.
    @Test(
        arguments: [
            ("16:3", 3), ("16x1:3", 3), ("16x2:4", 2), ("16x2:3", 2), ("16x2:1", 1), ("16x4:8", 2),
            ("16x4:1", 0), ("16x4:2", 1), ("16x4:5", 1), ("16x4:8+24", 2), ("16x4", 0),
        ])
    func skewCountsSamples(format: String, frames: Int) throws {
        let header = try header("r 1 500 10\nr.dat \(format) 100\n")
        #expect(header.signals.map(\.skewFrames) == [frames])
    }

    /// A step at sample 48 of a signal with 4 samples a frame and a skew of 8 is one at frame 10.
    @Test(arguments: [WFDBRecord.Options.Frames.averaged, .averagedWhereValid, .expanded])
    func aSkewedStepIsWhereItsNeighbourIs(frames: WFDBRecord.Options.Frames) throws {
        let folder = try TemporaryFolder()
        var samples: [Int16] = []
        for frame in 0..<20 {
            samples.append(frame >= 10 ? 1000 : 0)
            for sample in 4 * frame..<4 * frame + 4 { samples.append(sample >= 48 ? 1000 : 0) }
        }
        try folder.write(samples.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }, to: "r.dat")
        try folder.write(
            "r 2 100 20\nr.dat 16 1000/mV 16 0 0 10000 0 I\n"
                + "r.dat 16x4:8 1000/mV 16 0 0 32000 0 II\n", to: "r.hea")
        let record = try WFDBRecord.read(
            folder.file("r"), options: .init(frames: frames))
        let factor = frames == .expanded ? 4 : 1
        #expect(record.signals.map { $0.samples.firstIndex(of: 1) } == [10 * factor, 10 * factor])
        #expect(record.signals[1].samples.count(where: \.isNaN) == 2 * factor)
        #expect(record.signals[0].samples.allSatisfy { $0.isFinite })
    }

    @Test func companionFilesOfMacOSAreNoRecords() throws {
        let folder = try TemporaryFolder()
        let appleDouble: [UInt8] = [0, 5, 0x16, 7, 0, 2, 0, 0] + Array("Mac OS X        ".utf8)
        for name in ["a.hea", "below/b.hea"] { try folder.write("x 0 500\n", to: name) }
        for name in [
            "._a.hea", "._b.hea", "below/._b.hea", "__MACOSX/._a.hea", "__MACOSX/below/._b.hea",
            "._below/c.hea", ".hidden/c.hea", "._ptbxl_database.csv", ".DS_Store",
        ] {
            try folder.write(appleDouble, to: name)
        }
        #expect(try RecordFolder.records(below: folder.path) == ["a", "below/b"])
    }

    @Test func aSetSaysWhatItAssumed() throws {
        let folder = try TemporaryFolder()
        for (name, gain, extra) in [("a", "0", ""), ("b", "/mV", "more\n"), ("c", "9", "x\ny\n")] {
            try folder.write([UInt8](repeating: 130, count: 12 * 1000), to: "\(name).dat")
            let leads = Lead.allCases.map { "\(name).dat 80 \(gain) 8 0 2 2000 0 \($0.name)" }
            try folder.write(
                "\(name) 12 100 1000\n" + leads.joined(separator: "\n") + "\n" + extra,
                to: "\(name).hea")
        }
        let options = DatasetPreparation.Options(
            sources: [folder.path], output: folder.file("set"))
        guard case .finished(let report) = try DatasetPreparation(options).run() else {
            Issue.record("the preparation was interrupted")
            return
        }
        let notes = Dictionary(uniqueKeysWithValues: report.notes.map { ($0.text, $0.count) })
        #expect(notes.first { $0.key.hasPrefix(WFDBHeader.uncalibrated) }?.value == 2)
        #expect(notes[WFDBHeader.extraLines] == 2)
    }
}
