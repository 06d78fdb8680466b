import Runtime
import TestSupport
import Testing

@testable import Electrocardiography

/// Headers as people and their editors write them: bytes, of which only LF and CR end lines.
@Suite struct HeaderTextTests {
    private func header(_ bytes: some Sequence<UInt8>) throws -> WFDBHeader {
        try WFDBHeader(parsing: Array(bytes), path: "r.hea")
    }

    @Test(arguments: ["\u{B}", "\u{C}", "\u{85}", "\u{2028}", "\u{2029}"])
    func separatorsInACommentEndNoLine(separator: String) throws {
        let text =
            "r 1 500 10\nr.dat 16 100 16 0 0 0 0 I\n#Report: old\(separator)see ECG\n# Age: 60\n"
        let header = try header(text.utf8)
        #expect(header.signals.count == 1)
        #expect(header.comments == ["Report: old\(separator)see ECG", " Age: 60"])
    }

    @Test func anEllipsisOfWindowsEndsNoLine() throws {
        var bytes = Array("r 1 500 10\nr.dat 16 100(0)/?V 16 0 0 0 0 V1 \n# borderline? see\n".utf8)
        let marks = bytes.indices.filter { bytes[$0] == UInt8(ascii: "?") }
        bytes[marks[0]] = 0xB5
        bytes[marks[1]] = 0x85
        let header = try header(bytes)
        #expect(header.comments == [" borderline\u{2026} see"])
        #expect(header.signals[0].units == "\u{B5}V" && header.signals[0].description == "V1")
        #expect(WFDBRecord.millivolts(in: header.signals[0].units) == 1e-3)
    }

    @Test(arguments: ["\n", "\r\n", "\r"])
    func everyLineEndOfAnEditorIsRead(end: String) throws {
        let lines = ["# first", "r 2 500 10", "r.dat 16 100", "", "r.dat 16 100", "# last"]
        let header = try header(lines.joined(separator: end).utf8)
        #expect(header.signals.count == 2 && header.comments == [" first", " last"])
    }

    @Test func theMarkOfUTF8IsSkipped() throws {
        let header = try header([0xEF, 0xBB, 0xBF] + Array("r 1 500 10\nr.dat 16 100".utf8))
        #expect(header.name == "r" && header.signals.count == 1)
    }

    @Test func marksWithinJoinedTextsAreSkippedAndUTF16IsNamed() throws {
        let text = "\u{FEFF}# one\n\u{FEFF}r 1 500 10\nr.dat 16 100\n\u{FEFF}# Age: 60\n"
        #expect(try header(text.utf8).comments == [" one", " Age: 60"])
        #expect {
            try header([0xFF, 0xFE, 0x72, 0])
        } throws: { ($0 as? WFDBError)?.field == "encoding" }
    }

    @Test func fieldsArePartedByBlanksAlone() throws {
        let header = try header(
            "r 1\t500 10\u{C}\nr.dat 16 100 16 0 0 0 0  V1\u{A0}\u{2028}\n".utf8)
        #expect(header.sampleCount == 10 && header.signals[0].description == "V1")
        let broken = try? self.header("r 1\u{2028}500 10\nr.dat 16 100\n".utf8)
        #expect(broken == nil)
    }

    @Test func errorsCountTheLinesThatPeopleSee() {
        let text = "# a\u{2028}b\u{C}\nr 1 500 10\r\nr.dat sixteen 100\n"
        #expect {
            try header(text.utf8)
        } throws: { ($0 as? WFDBError)?.field == "line 3, format" }
    }

    @Test func aSignalFileMayHaveAnyName() throws {
        let folder = try TemporaryFolder()
        let name: [UInt8] = [0x45, 0xE4, 0xFF] + Array(".dat".utf8)
        let path = folder.path.appending(FilePath(bytes: name))
        try AtomicFile.write([1, 0, 2, 0], to: path)
        try AtomicFile.write(
            Array("r 1 500 2\n".utf8) + name + Array(" 16 100\n".utf8),
            to: folder.file("r.hea"))
        let record = try WFDBRecord.read(folder.file("r"))
        #expect(record.signals[0].samples == [0.01, 0.02])
    }

    @Test(arguments: [0, 1, 14, 200])
    func aMasterHeaderIsToldHoweverLongTheCommentsBeforeIt(comments: Int) throws {
        let folder = try TemporaryFolder()
        for name in ["s1", "s2"] {
            try folder.write([UInt8](repeating: 0, count: 20), to: "in/\(name).dat")
            try folder.write(
                "\(name) 1 500 10\n\(name).dat 16 100 16 0 0 0 0 I\n", to: "in/\(name).hea")
        }
        let remarks = String(repeating: "# recorded in room two\n", count: comments)
        try folder.write("\(remarks)\tmm/2\t1 500 20\ns1 10\ns2 10\n", to: "in/mm.hea")
        let catalogue = try RecordCatalogue(
            folders: [folder.file("in")], sourceRateHz: nil)
        #expect(catalogue.entries.map(\.name) == ["mm"])
        #expect(catalogue.sources.map(\.segmentCount) == [2])
    }

    @Test func whatTheTableOfPTBXLDoesNotListIsNamed() throws {
        let folder = try TemporaryFolder()
        let root = folder.file("set")
        _ = try SyntheticDataset(recordCount: 3, seed: 1).write(to: root, threads: 1)
        let (own, listed) = (root.appending("mine"), root.appending("records500/00000/00001_hr"))
        try own.makeFolders()
        try AtomicFile.write(try (listed + ".hea").contents(), to: own.appending("x.hea"))
        try own.appending("folder.hea").makeFolders()
        let catalogue = try RecordCatalogue(folders: [root], sourceRateHz: nil)
        #expect(catalogue.entries.count == 3)
        #expect(catalogue.skipped.map(\.record) == ["mine/folder", "mine/x"])
        #expect(catalogue.skipped.allSatisfy { $0.reason == .notInTable })
    }

    /// Folders with names that are not UTF-8, that `String` calls equal, and that end like files.
    @Test func everyFolderIsWalkedWhateverItsName() throws {
        let folder = try TemporaryFolder()
        let root = folder.file("in")
        let names: [FilePath] = [
            FilePath(bytes: Array("Station ".utf8) + [0xE4]), "e\u{301}", "\u{E9}", "d.dat", "x",
            FilePath(bytes: [0x6E, 0x0A, 0x6E]),
        ]
        for name in names {
            try root.appending(name).makeFolders()
            try AtomicFile.write(
                "r 1 500 10\nr.dat 16 100\n", to: root.appending(name).appending("r.hea"))
        }
        let catalogue = try RecordCatalogue(folders: [root], sourceRateHz: nil)
        #expect(catalogue.entries.count == names.count)
        #expect(
            Set(catalogue.entries.map(\.path))
                == Set(names.map { root.appending($0).appending("r") }))
        #expect(catalogue.entries.contains { $0.name == #"Station \xE4/r"# })
        #expect(catalogue.entries.contains { $0.name == #"n\x0An/r"# })
        for entry in catalogue.entries {
            #expect(try WFDBHeader.read(entry.path).name == "r")
        }
    }
}
