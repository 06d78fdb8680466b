import Foundation
import Runtime
import TestSupport
import Testing

/// What all file systems promise: the machine's own, and the one of the tests, which has to be like it.
@Suite struct FileSystemTests {
    enum Sort: CaseIterable {
        case machine, memory

        func withFolder(_ body: (any FileSystem, FilePath) throws -> Void) throws {
            switch self {
            case .memory: try body(MemoryFileSystem(folders: ["/folder"]), "/folder")
            case .machine:
                let folder = FilePath.temporary.absolute.appending("purkinje-files-\(UUID())")
                try folder.makeFolders()
                defer { try? folder.removeAll() }
                try body(SystemFiles(), folder)
            }
        }
    }

    private func code(_ body: () throws -> Void) -> Int32? {
        #expect(throws: SystemError.self) { try body() }?.code
    }

    @Test(arguments: Sort.allCases) func filesAreOpenedForWhatTheySay(sort: Sort) throws {
        try sort.withFolder { files, folder in
            let path = folder.appending("file")
            #expect(code { _ = try files.open(path, .reading) } == ENOENT)
            #expect(code { _ = try files.open(path, .present) } == ENOENT)
            try files.open(path, .new).write(Array("abcdef".utf8), at: 0)
            #expect(code { _ = try files.open(path, .new) } == EEXIST)
            try files.open(path, .writing).write(Array("CD".utf8), at: 2)
            #expect(try files.contents(of: path) == Array("abCDef".utf8))
            try files.open(path, .present).truncate(to: 3)
            try files.open(path, .present).write(Array("z".utf8), at: 5)
            #expect(try files.contents(of: path) == Array("abC\0\0z".utf8))
            let file = try files.open(path, .emptied)
            try file.write([7], at: 0)
            try file.synchronise()
            #expect(try files.contents(of: path) == [7])
            #expect(try file.status().byteCount == 1)
            #expect(try files.status(of: path).kind == .regular)
            #expect(code { _ = try files.open(folder, .writing) } == EISDIR)
            #expect(code { _ = try files.contents(of: folder) } == EISDIR)
            #expect(code { _ = try files.open(path.appending("x"), .reading) } == ENOTDIR)
            #expect(code { _ = try files.open(folder.appending("no/x"), .new) } == ENOENT)
        }
    }

    @Test(arguments: Sort.allCases) func readsEndWhereTheFileDoes(sort: Sort) throws {
        try sort.withFolder { files, folder in
            let path = folder.appending("file")
            let content = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }
            try files.write(content, to: path)
            let file = try files.open(path, .reading)
            #expect(try file.read(at: 99_990, count: 100) == Array(content.suffix(10)))
            #expect(try file.read(at: 100_000, count: 1) == [])
            #expect(try file.read(at: 200_000, count: 1) == [])
            #expect(try file.contents() == content)
        }
    }

    @Test(arguments: Sort.allCases) func namesChangeAtOnceAndOpenFilesStay(sort: Sort) throws {
        try sort.withFolder { files, folder in
            let (one, two) = (folder.appending("one"), folder.appending("two"))
            try files.write("1", to: one)
            try files.write("2", to: two)
            let open = try files.open(two, .reading)
            try files.rename(one, to: two)
            #expect(try open.contents() == Array("2".utf8))
            #expect(try files.contents(of: two) == Array("1".utf8))
            #expect(try files.names(in: folder) == ["two"])
            #expect(code { try files.rename(one, to: two) } == ENOENT)
            try files.remove(one)
            try files.makeFolders(folder.appending("a/b/c"))
            try files.makeFolder(folder.appending("a"))
            #expect(code { try files.makeNewFolder(folder.appending("a")) } == EEXIST)
            #expect(code { try files.makeNewFolder(folder.appending("x/y")) } == ENOENT)
            #expect(code { try files.makeFolder(two) } == ENOTDIR)
            #expect(code { try files.removeFolder(folder.appending("a")) } == ENOTEMPTY)
            #expect(code { _ = try files.names(in: folder.appending("none")) } == ENOENT)
            try files.write("x", to: folder.appending("a/b/file"))
            try files.rename(folder.appending("a/b"), to: folder.appending("moved"))
            #expect(try files.names(in: folder.appending("moved")) == ["c", "file"])
            try files.makeFolder(folder.appending("full"))
            try files.write("x", to: folder.appending("full/file"))
            #expect(
                code { try files.rename(folder.appending("moved"), to: folder.appending("full")) }
                    == ENOTEMPTY)
            try files.removeAll(folder.appending("full"))
            try files.removeAll(folder.appending("moved"))
            try files.removeAll(folder.appending("never"))
            #expect(try files.names(in: folder) == ["a", "two"])
            #expect(files.isFolder(folder.appending("a")) && !files.isFolder(two))
            try files.synchroniseFolder(folder)
        }
    }

    @Test(arguments: Sort.allCases) func locksEndWithTheirFiles(sort: Sort) throws {
        try sort.withFolder { files, folder in
            let path = folder.appending("lock")
            var first: (any File)? = try files.open(path, .writing)
            #expect(try first?.lock(.shared) == true)
            let second = try files.open(path, .writing)
            #expect(try second.lock(.exclusive) == false)
            #expect(try second.lock(.shared))
            #expect(try first?.lock(.exclusive) == false)
            first = nil
            #expect(try second.lock(.exclusive))
            #expect(try files.open(path, .reading).lock(.shared) == false)
            withExtendedLifetime(second) {}
        }
    }

    @Test(arguments: Sort.allCases) func temporaryNamesOfTheDeadAreInNobodysWay(sort: Sort) throws {
        try sort.withFolder { files, folder in
            for number in 0..<3 {
                try files.write("left", to: folder.appending(".tmp-\(getpid())-\(number)"))
            }
            try files.write("content", to: folder.appending("file"))
            #expect(try files.contents(of: folder.appending("file")) == Array("content".utf8))
            #expect(try files.names(in: folder).count == 4)
        }
    }

    @Test func theDiskInMemoryForgetsWhatWasNotSynchronised() throws {
        let files = MemoryFileSystem(folders: ["/folder"])
        let file = try files.open("/folder/file", .new)
        try file.write([1, 2], at: 0)
        try file.synchronise()
        // The bytes last, and nothing leads to them.
        #expect(try files.afterPowerCut(.nothing).names(in: "/folder") == [])
        try files.synchroniseFolder("/folder")
        try file.write([3, 4], at: 2)
        #expect(try files.afterPowerCut(.nothing).contents(of: "/folder/file") == [1, 2])
        #expect(try files.afterPowerCut(.everything).contents(of: "/folder/file") == [1, 2, 3, 4])
        let torn = try (1...40 as ClosedRange<UInt64>).map { seed in
            try files.afterPowerCut(.some(seed: seed)).contents(of: "/folder/file")
        }
        let possible: Set<[UInt8]> = [
            [1, 2], [1, 2, 3], [1, 2, 3, 4], [1, 2, 0, 0], [1, 2, 3, 0],
        ]
        #expect(Set(torn) == possible)
        try files.rename("/folder/file", to: "/folder/new")
        #expect(try files.afterPowerCut(.nothing).names(in: "/folder") == ["file"])
        #expect(try files.afterPowerCut(.names).names(in: "/folder") == ["new"])
    }

    @Test func theDiskInMemoryFailsWhereItIsTold() throws {
        let files = MemoryFileSystem(folders: ["/folder"])
        files.limit(to: 5)
        #expect(code { try files.write("too much", to: "/folder/a") } == ENOSPC)
        #expect(try files.names(in: "/folder") == [])
        try files.write("fits", to: "/folder/a")
        files.mend()
        files.inject(.failure, at: files.operations.count)
        #expect(code { _ = try files.status(of: "/folder/a") } == EIO)
        _ = try files.status(of: "/folder/a")
        files.inject(.powerCut, at: files.operations.count + 1)
        _ = try files.status(of: "/folder/a")
        for _ in 0..<2 { #expect(code { _ = try files.status(of: "/folder/a") } == EIO) }
        #expect(try files.afterPowerCut(.nothing).contents(of: "/folder/a") == Array("fits".utf8))
    }

    @Test func whatHangsGoesOnWhenItIsReleased() throws {
        let files = MemoryFileSystem(folders: ["/folder"])
        files.inject(.hang, atNext: { $0.hasPrefix("fsync") })
        let isDone = Monitor(false)
        let thread = try NamedThread("writer") {
            let result = Result { try files.write("x", to: "/folder/a") }
            isDone.update { $0 = (try? result.get()) != nil }
        }
        #expect(files.waitUntilSomethingHangs(timeout: .seconds(60)))
        #expect(!files.exists("/folder/a"))
        files.mend()
        thread.join()
        #expect(isDone.withLock { $0 })
        #expect(files.exists("/folder/a"))
    }
}
