import Foundation
import Runtime
import Testing

@testable import CommandLineInterface

@Suite struct OutputTests {
    @Test func thingsAreCountedInWords() {
        #expect(counted(0, "record") == "0 records" && counted(1, "record") == "1 record")
        #expect(counted(12, "worker") == "12 workers")
    }

    @Test func tablesAlignNumbersRight() {
        let table = Output.table([["name", "bytes"], ["a", "5"], ["bc", "12345"]])
        #expect(table == "name  bytes\na         5\nbc    12345")
    }

    @Test func aFullDiskIsAnErrorThatNamesTheStream() {
        let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
        defer { close(full) }
        let error = #expect(throws: SystemError.self) { try Output.write("result", to: full) }
        #expect(error?.code == ENOSPC)
        #expect(error?.description.hasPrefix("standard output: ") == true)
    }

    @Test func aPipeThatDoesNotBlockGetsEverything() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let (input, output) = (ends[0], ends[1])
        #expect(fcntl(output, F_SETFL, O_NONBLOCK) == 0)
        let count = Locked(0)
        let reader = try NamedThread("reader") {
            var buffer = [UInt8](repeating: 0, count: 1 << 12)
            while true {
                let read = Foundation.read(input, &buffer, buffer.count)
                guard read > 0 else { return }
                count.withLock { $0 += read }
            }
        }
        try Output.write(String(repeating: "r", count: 1 << 20), to: output)
        close(output)
        reader.join()
        close(input)
        #expect(count.withLock { $0 } == (1 << 20) + 1)
    }
}
