import Foundation
import Runtime
import Testing

@Suite struct FilePathTests {
    @Test(arguments: [
        ("a/b/c", "a/b", "c"), ("c", ".", "c"), ("a", ".", "a"), ("/a", "/", "a"), ("/", "/", "/"),
        ("a/", ".", "a"), ("a//b//", "a", "b"), ("./e", ".", "e"), ("../x", "..", "x"),
        ("//a", "/", "a"), ("", ".", ""),
    ])
    func partsOfShortAndOddPaths(path: String, parent: String, last: String) {
        #expect(FilePath(path).parent == FilePath(parent))
        #expect(FilePath(path).lastComponent == FilePath(last))
    }

    @Test func joinsWithOneSlash() {
        #expect(FilePath("a").appending("b/c") == "a/b/c")
        #expect(FilePath("a/").appending("b") == "a/b")
        #expect(FilePath("").appending("b") == "b")
        #expect(FilePath("/").appending("b") == "/b")
        #expect(FilePath("r.hea").sibling("r.dat") == "r.dat")
        #expect(FilePath("a/r.hea").sibling("r.dat") == "a/r.dat")
        #expect(FilePath("r") + ".hea" == "r.hea")
        #expect(FilePath("x/r.hea").hasSuffix(".hea") && !FilePath("hea").hasSuffix(".hea"))
    }

    /// Every byte that a name may have, alone and beside letters, and texts that look like escapes.
    @Test func everyNameHasATextOfItsOwnThatIsReadBack() {
        var names: [[UInt8]] = []
        for byte in UInt8(1)...255 where byte != UInt8(ascii: "/") {
            names += [[byte], [0x61, byte], [byte, 0x62], [byte, byte, 0xC3]]
        }
        for text in [#"\xE4"#, #"\x5CxE4"#, #"\\xE4"#, #"\x"#, #"\xZ1"#, "é", "e\u{301}"] {
            names.append(Array(text.utf8))
        }
        var texts: Set<[UInt8]> = []
        for name in names {
            let path = FilePath(bytes: name)
            #expect(FilePath(path.text) == path, "\(name)")
            #expect(!path.text.utf8.contains { $0 < 0x20 || $0 == 0x7F }, "\(name)")
            texts.insert(Array(path.text.utf8))
        }
        #expect(texts.count == Set(names).count)
        #expect(FilePath(bytes: Array("Station \u{E4}/ü.hea".utf8)).text == "Station ä/ü.hea")
        #expect(FilePath(bytes: [0x53, 0x20, 0xE4]).text == #"S \xE4"#)
        #expect(FilePath(bytes: [0x53, 0x20, 0xE4]).characters == nil)
        #expect("\(FilePath(bytes: [0xE4]))/x" as FilePath == FilePath(bytes: [0xE4, 0x2F, 0x78]))
    }

    /// Two spellings of one letter are one `String` and two files.
    @Test func namesThatStringsCallEqualAreTwoFiles() throws {
        let folder = try folder()
        defer { try? folder.removeAll() }
        let (one, other): (FilePath, FilePath) = ("\u{E9}", "e\u{301}")
        #expect(one.text == other.text && one != other)
        try AtomicFile.write("one", to: folder.appending(one))
        try AtomicFile.write("other", to: folder.appending(other))
        #expect(try folder.names() == [other, one])
        #expect(try folder.appending(one).contents() == Array("one".utf8))
    }

    @Test func walksNamesThatAreNotUTF8() throws {
        let folder = try folder()
        defer { try? folder.removeAll() }
        let odd = FilePath(bytes: [0x53, 0xE4, 0xFF])
        try folder.appending(odd).makeFolders()
        try AtomicFile.write("x", to: folder.appending(odd).appending(FilePath(bytes: [0x0A])))
        try AtomicFile.write("y", to: folder.appending("a"))
        try #require(symlink(odd.lastComponent.text, "\(folder)/text-is-no-name") == 0)
        #expect(
            try folder.entries().map { "\($0.name) \($0.isFolder)" } == [
                #"S\xE4\xFF true"#, "a false", "text-is-no-name false",
            ])
        #expect(try folder.appending(odd).names() == [FilePath(bytes: [0x0A])])
        #expect(folder.appending(odd).isFolder && !folder.appending("a").isFolder)
        try folder.removeAll()
        #expect(!folder.exists)
    }

    @Test func saysWhatIsNotThere() throws {
        let folder = try folder()
        defer { try? folder.removeAll() }
        let gone = folder.appending("gone")
        #expect { try gone.status() } throws: { ($0 as? SystemError)?.code == ENOENT }
        #expect { try gone.names() } throws: { ($0 as? SystemError)?.code == ENOENT }
        try gone.remove()
        try AtomicFile.write("x", to: folder.appending("file"))
        #expect { try folder.appending("file").makeFolders() } throws: {
            ($0 as? SystemError)?.code == ENOTDIR
        }
        #expect { try folder.appending("file/below").makeFolders() } throws: {
            ($0 as? SystemError)?.code == ENOTDIR
        }
        // C would take the path for the part before the zero.
        let cut = FilePath(bytes: folder.appending("file").bytes + [0, 0x78])
        #expect { try cut.status() } throws: { ($0 as? SystemError)?.code == EINVAL }
        #expect(throws: SystemError.self) { try AtomicFile.write("y", to: cut) }
    }

    @Test func absolutePathsKeepWhatLinksMean() throws {
        let folder = try folder()
        defer { try? folder.removeAll() }
        try folder.appending("real/deep").makeFolders()
        try #require(symlink("real/deep", "\(folder)/link") == 0)
        #expect(folder.appending("./real//deep/../x").absolute == folder.appending("real/x"))
        // The kernel goes up from where the link leads, and not from where it lies.
        #expect(folder.appending("link/../x").absolute == folder.appending("link/../x"))
        #expect(FilePath("x").absolute == FilePath.current.appending("x"))
        #expect(FilePath("/../x").absolute == "/x")
    }

    /// Who opens a pipe waits for its other end, and nothing would end that wait.
    @Test func pipesAndDevicesAreNoFilesToMap() throws {
        let folder = try folder()
        defer { try? folder.removeAll() }
        let pipe = folder.appending("pipe")
        try #require(mkfifo(pipe.text, 0o600) == 0)
        #expect { try MappedFile(path: pipe) } throws: {
            "\($0)" == "\(pipe): it is not a regular file; move it away, or name another one"
        }
        #expect { try FilePath("/dev/zero").contents() } throws: {
            "\($0)".contains("not a regular file")
        }
        #expect { try folder.contents() } throws: { ($0 as? SystemError)?.code == EISDIR }
    }

    @Test func whatComesThroughAPipeIsReadToItsEnd() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let text = [UInt8](repeating: 7, count: 200_000)
        let output = ends[1]
        let writer = try NamedThread("writer") {
            text.withUnsafeBytes { _ = writeWhole($0, to: output) }
            close(output)
        }
        #expect(try FilePath("/dev/fd/\(ends[0])").contents() == text)
        writer.join()
        close(ends[0])
    }

    private func folder() throws -> FilePath {
        let folder = FilePath.temporary.absolute.appending("paths-\(UUID())")
        try folder.makeFolders()
        return folder
    }
}
