import Foundation
import Runtime
import Testing

/// What happens where a file gives way under its mapping: nothing can be thrown, so the process ends, and says why.
@Suite struct MappedFileTests {
    /// A file of whole pages; the caller removes it.
    private static func file(pages: Int) throws -> String {
        let path = NSTemporaryDirectory() + "purkinje-mapped-\(UUID().uuidString)"
        try AtomicFile.write([UInt8](repeating: 7, count: pages * 4096), to: FilePath(path))
        return path
    }

    /// Maps a file, cuts it, and reads all of it.
    private static func readCutFile(keeping bytes: Int) throws {
        let path = try file(pages: 8)
        let mapped = try MappedFile(path: FilePath(path))
        truncate(path, off_t(bytes))
        let sum = mapped.withBytes { $0.reduce(0) { $0 &+ Int($1) } }
        Foundation.exit(sum == 0 ? 2 : 3)
    }

    @Test func aWholeFileIsRead() throws {
        let path = try Self.file(pages: 3)
        defer { unlink(path) }
        let mapped = try MappedFile(path: FilePath(path))
        #expect(mapped.count == 3 * 4096)
        #expect(mapped.withBytes { $0.allSatisfy { $0 == 7 } })
        // Who writes a new file in its place leaves the old one to those who have it.
        try AtomicFile.write([1], to: FilePath(path))
        #expect(mapped.withBytes { $0.allSatisfy { $0 == 7 } })
        #expect(try MappedFile(path: FilePath(path)).count == 1)
    }

    @Test func aCutIsSeenBeforeAPageIsGone() throws {
        let path = try Self.file(pages: 2)
        defer { unlink(path) }
        let mapped = try MappedFile(path: FilePath(path))
        #expect(mapped.cutCount == nil)
        truncate(path, 8191)
        #expect(mapped.cutCount == 8191)
        truncate(path, 8192)
        #expect(mapped.cutCount == nil)
    }

    @Test func aCutFileEndsTheProcessWithItsName() async {
        for bytes in [0, 1, 4096, 7 * 4096] {
            let result = await #expect(
                processExitsWith: .exitCode(1), observing: [\.standardErrorContent]
            ) { [bytes = bytes as Int] in
                try Self.readCutFile(keeping: bytes)
            }
            let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
            #expect(text.contains("error: "), "cut to \(bytes)")
            #expect(text.contains("purkinje-mapped-"), "cut to \(bytes)")
            #expect(text.contains("a part of its 32768 bytes is gone"), "cut to \(bytes)")
        }
    }

    @Test func anyThreadAndAnyOfManyFilesIsNamed() async {
        let result = await #expect(
            processExitsWith: .exitCode(1), observing: [\.standardErrorContent]
        ) {
            var files: [MappedFile] = []
            for pages in 1...40 {
                files.append(try MappedFile(path: FilePath(Self.file(pages: pages))))
            }
            files.removeSubrange(0..<10)
            let cut = files[20]
            truncate(cut.path.text, 0)
            let thread = try NamedThread("reader") {
                _ = cut.withBytes { $0.reduce(0) { $0 &+ Int($1) } }
            }
            thread.join()
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(text.contains("a part of its \(31 * 4096) bytes is gone"))
    }

    @Test func anErrorStreamThatNobodyReadsDoesNotKeepTheProcess() async {
        await #expect(processExitsWith: .exitCode(1)) {
            var ends: [Int32] = [0, 0]
            pipe(&ends)
            dup2(ends[1], 2)
            let flags = fcntl(2, F_GETFL)
            _ = fcntl(2, F_SETFL, flags | O_NONBLOCK)
            let block = [UInt8](repeating: 0, count: 4096)
            while write(2, block, block.count) > 0 {}
            while write(2, block, 1) > 0 {}
            _ = fcntl(2, F_SETFL, flags)
            try Self.readCutFile(keeping: 0)
        }
    }

    @Test func anErrorStreamThatIsClosedDoesNotKeepTheProcess() async {
        await #expect(processExitsWith: .exitCode(1)) {
            close(2)
            try Self.readCutFile(keeping: 0)
        }
    }

    /// A signal from elsewhere, and a bus error of no file of ours, end the process as they would without us.
    @Test func signalsOfOthersKeepTheirMeaning() async {
        await #expect(processExitsWith: .signal(SIGBUS)) {
            signal(SIGBUS, SIG_DFL)
            let mapped = try MappedFile(path: FilePath(Self.file(pages: 1)))
            withExtendedLifetime(mapped) { _ = kill(getpid(), SIGBUS) }
            while true { pause() }
        }
        await #expect(processExitsWith: .signal(SIGBUS)) {
            signal(SIGBUS, SIG_DFL)
            let mapped = try MappedFile(path: FilePath(Self.file(pages: 1)))
            let path = try Self.file(pages: 2)
            let descriptor = open(path, O_RDONLY)
            let other = mmap(nil, 8192, PROT_READ, MAP_PRIVATE, descriptor, 0)
            truncate(path, 0)
            let bytes = UnsafeRawBufferPointer(start: other, count: 8192)
            withExtendedLifetime(mapped) { _ = bytes.reduce(0) { $0 &+ Int($1) } }
        }
    }
}
