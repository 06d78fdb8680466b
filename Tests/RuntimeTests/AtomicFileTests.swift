import Foundation
import Runtime
import Testing

/// Files that are put in place whole, and places where that cannot be.
@Suite struct AtomicFileTests {
    private let folder: FilePath

    init() throws {
        folder = FilePath.temporary.absolute.appending("purkinje-atomic-\(UUID())")
        try folder.makeFolders()
    }

    private func link(_ name: FilePath, to target: FilePath) {
        let made = folder.appending(name).withSystemPath { name in
            target.withSystemPath { symlink($0, name) }
        }
        #expect(made == 0)
    }

    private func text(_ name: FilePath) throws -> String {
        String(decoding: try folder.appending(name).contents(), as: UTF8.self)
    }

    @Test func linksAreFollowedAndStay() throws {
        defer { try? folder.removeAll() }
        try folder.appending("far").makeFolder()
        try AtomicFile.write("old", to: folder.appending("far/real"))
        link("one", to: "two")
        link("two", to: "far/real")
        link("dangling", to: folder.appending("far/new"))
        try AtomicFile.write("content", to: folder.appending("one"))
        try AtomicFile.write("more", to: folder.appending("dangling"))
        #expect(try text("far/real") == "content")
        #expect(try text("far/new") == "more")
        #expect(try folder.appending("one").linkTarget() == "two")
        #expect(try folder.appending("dangling").linkTarget() == folder.appending("far/new"))
        #expect(try folder.names() == ["dangling", "far", "one", "two"])
        #expect(try folder.appending("far").names() == ["new", "real"])
    }

    @Test func linksInACircleAreRefusedByTheirName() throws {
        defer { try? folder.removeAll() }
        link("a", to: "b")
        link("b", to: "a")
        let error = #expect(throws: SystemError.self) {
            try AtomicFile.write("x", to: folder.appending("a"))
        }
        #expect(error?.code == ELOOP)
        #expect(error?.subject == folder.appending("a").text)
    }

    @Test func namesAsLongAsNamesCanBeAreWritten() throws {
        defer { try? folder.removeAll() }
        for length in [240, 255] {
            let name = FilePath(bytes: [UInt8](repeating: 0x6E, count: length))
            try AtomicFile.write("x", to: folder.appending(name))
            #expect(try text(name) == "x")
        }
        let long = folder.appending(FilePath(bytes: [UInt8](repeating: 0x6E, count: 256)))
        let error = #expect(throws: SystemError.self) { try AtomicFile.write("x", to: long) }
        #expect(error?.code == ENAMETOOLONG)
        #expect(error?.subject == long.text)
        #expect(try folder.names().count == 2)
    }

    @Test func readersOfFIFOsGetTheContent() throws {
        defer { try? folder.removeAll() }
        let path = folder.appending("fifo")
        #expect(path.withSystemPath { mkfifo($0, 0o600) } == 0)
        // Open for both, so that neither end waits for the other.
        let reader = try FileHandleOwner.open(path, O_RDWR | O_CLOEXEC)
        try AtomicFile.write("through the pipe", to: path)
        #expect(try path.status().kind.isStream)
        var buffer = [UInt8](repeating: 0, count: 100)
        let count = read(reader.descriptor, &buffer, buffer.count)
        #expect(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self) == "through the pipe")
        #expect(try folder.names() == ["fifo"])
    }

    /// A device that swallows everything and one that is always full; only the administrator can make such nodes.
    @Test func devicesStayDevices() throws {
        defer { try? folder.removeAll() }
        func make(_ name: FilePath, minor: dev_t) -> Bool {
            let path = folder.appending(name)
            return path.withSystemPath { mknod($0, S_IFCHR | 0o600, dev_t(1 << 8 | minor)) }
                == 0
        }
        guard make("null", minor: 3), make("full", minor: 7) else { return }
        link("link", to: "null")
        // A node may be made where devices must not be opened.
        guard (try? FileHandleOwner.open(folder.appending("null"), O_WRONLY)) != nil else { return }
        try AtomicFile.write("x", to: folder.appending("null"))
        try AtomicFile.write("x", to: folder.appending("link"))
        let error = #expect(throws: SystemError.self) {
            try AtomicFile.write("x", to: folder.appending("full"))
        }
        #expect(error?.code == ENOSPC)
        for name: FilePath in ["null", "full", "link"] {
            #expect(try folder.appending(name).status().kind.isStream)
        }
        #expect(try folder.names() == ["full", "link", "null"])
    }

    @Test func aFailedWriteLeavesTheFormerFile() throws {
        defer { try? folder.removeAll() }
        let path = folder.appending("file")
        try AtomicFile.write("old", to: path)
        #expect(throws: SystemError.self) {
            try SystemFiles().replace(path) { file throws(SystemError) in
                throw SystemError(call: "write", subject: file.path, code: ENOSPC)
            }
        }
        #expect(try text("file") == "old")
        #expect(try folder.names() == ["file"])
    }
}
