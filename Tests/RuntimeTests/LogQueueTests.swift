import Foundation
import Testing

@testable import Runtime

@Suite struct LogQueueTests {
    /// A pipe of the smallest size (1031 is F_SETPIPE_SZ, which Swift does not show); both ends are closed with it.
    private final class Pipe: Sendable {
        let input: Int32
        let output: Int32

        init() throws {
            // A write without a reader is then an error, and not the end of the tests.
            signal(SIGPIPE, SIG_IGN)
            var ends: [Int32] = [0, 0]
            try #require(pipe(&ends) == 0)
            (input, output) = (ends[0], ends[1])
            try #require(fcntl(output, 1_031, 4_096) == 4_096)
        }

        deinit {
            close(input)
            close(output)
        }

        /// Fills the pipe with empty lines, so that the next byte has to wait.
        func fill() {
            let breaks = [UInt8](repeating: 10, count: 4_096)
            #expect(write(output, breaks, breaks.count) == breaks.count)
        }

        /// What is in the pipe up to a line that ends with `last`, read while it is written.
        func read(upTo last: String) -> [String] {
            var text: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4_096)
            while !text.reversed().starts(with: (last + "\n").utf8.reversed()) {
                let count = Foundation.read(input, &buffer, buffer.count)
                guard count > 0 else { break }
                text += buffer[..<count]
            }
            return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }

    private func missing(in line: String) -> Int? {
        guard line.hasPrefix("warning: "), line.contains("missing here") else { return nil }
        return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }

    @Test(arguments: [false, true]) func writesEverythingInOrder(isNonBlocking: Bool) throws {
        let pipe = try Pipe()
        if isNonBlocking { #expect(fcntl(pipe.output, F_SETFL, O_NONBLOCK) == 0) }
        let queue = LogQueue(descriptor: pipe.output)
        for number in 0..<2_000 { queue.append("line \(number)\n") }
        #expect(pipe.read(upTo: "line 1999") == (0..<2_000).map { "line \($0)" })
        #expect(queue.flush())
        #expect(queue.droppedCount == 0)
    }

    @Test func aReaderThatStopsCostsTheNewestLinesAndTheyAreCounted() throws {
        let pipe = try Pipe()
        pipe.fill()
        let queue = LogQueue(descriptor: pipe.output, byteLimit: 1_000)
        // Nobody reads: each of these returns all the same.
        for number in 0..<5_000 { queue.append("line \(number)\n") }
        let dropped = queue.droppedCount
        #expect(dropped > 3_000)
        #expect(!queue.flush(patience: .milliseconds(1)))
        // Once it was in vain it is not waited for again; a second here would be one at every line of results.
        #expect(!queue.flush(patience: .seconds(3_600), limit: .seconds(3_600)))
        #expect(queue.isBusy)
        // The reader goes on, and then there is room for what comes.
        let early = pipe.read(upTo: "the log was not read, or could not be written")
        queue.append("last\n")
        let lines = early + pipe.read(upTo: "last")
        let gaps = lines.compactMap { missing(in: $0) }
        #expect(gaps == [dropped])
        #expect(lines.dropLast(2) == (0..<5_000 - dropped).map { "line \($0)" })
        #expect(queue.flush())
        #expect(queue.droppedCount == dropped)
    }

    @Test func aReaderThatIsGoneIsNoMatter() throws {
        let pipe = try Pipe()
        let other = dup(pipe.output)
        defer { close(other) }
        let queue = LogQueue(descriptor: other)
        queue.append("read\n")
        #expect(pipe.read(upTo: "read") == ["read"])
        #expect(dup2(open("/dev/full", O_WRONLY | O_CLOEXEC), other) == other)
        for number in 0..<10 { queue.append("line \(number)\n") }
        #expect(queue.flush())
        #expect(queue.droppedCount == 10)
        // Somebody reads again, and learns what is missing.
        #expect(dup2(pipe.output, other) == other)
        queue.append("again\n")
        let lines = pipe.read(upTo: "again")
        #expect(lines.count == 2)
        #expect(lines.first.flatMap { missing(in: $0) } == 10)
    }

    @Test(arguments: [-1 as Int32, 0]) func aDescriptorThatCannotBeWrittenDrops(which: Int32) throws
    {
        // A number that is not open, and a pipe whose reader is closed.
        let descriptor: Int32
        if which < 0 {
            descriptor = 1_000_000
        } else {
            var ends: [Int32] = [0, 0]
            signal(SIGPIPE, SIG_IGN)
            try #require(pipe(&ends) == 0)
            close(ends[0])
            descriptor = ends[1]
        }
        let queue = LogQueue(descriptor: descriptor)
        for number in 0..<10 { queue.append("line \(number)\n") }
        #expect(queue.flush())
        #expect(queue.droppedCount == 10)
        if which == 0 { close(descriptor) }
    }

    @Test func aLineLongerThanTheRoomIsWrittenWhole() throws {
        let pipe = try Pipe()
        let queue = LogQueue(descriptor: pipe.output, byteLimit: 100)
        let line = String(repeating: "x", count: 300_000)
        queue.append(line + "\n")
        #expect(pipe.read(upTo: "x") == [line])
        #expect(queue.flush())
        #expect(queue.droppedCount == 0)
    }
}
