import Foundation
import Testing

@testable import Runtime

/// Each test is a process of its own: it closes the streams that all others need.
@Suite struct ProcessStartTests {
    @Test func closedStreamsAreOpenedAndStillCannotBeWritten() async {
        await #expect(processExitsWith: .success) {
            for closed in [[0], [1], [2], [0, 2], [1, 2], [0, 1, 2]] as [[Int32]] {
                closed.forEach { close($0) }
                try ProcessStart.prepare()
                let next = open("/dev/null", O_RDONLY)
                guard next > 2 else { exit(1) }
                close(next)
                for descriptor in closed {
                    guard fcntl(descriptor, F_GETFD) >= 0 else { exit(2) }
                    guard write(descriptor, "x", 1) == -1, errno == EBADF else { exit(3) }
                }
                var byte: UInt8 = 0
                if closed.contains(0) { guard read(0, &byte, 1) == 0 else { exit(4) } }
            }
        }
    }

    @Test func aStreamThatIsOpenStaysWhatItIs() async {
        await #expect(processExitsWith: .success) {
            var ends: [Int32] = [0, 0]
            guard pipe(&ends) == 0, dup2(ends[1], 1) == 1 else { exit(1) }
            close(2)
            try ProcessStart.prepare()
            var byte: UInt8 = 0
            guard write(1, "x", 1) == 1, read(ends[0], &byte, 1) == 1 else { exit(2) }
        }
    }

    @Test func aReaderThatIsGoneAndALimitAreErrorsAndNotSignals() async {
        await #expect(processExitsWith: .success) {
            try ProcessStart.prepare()
            var ends: [Int32] = [0, 0]
            guard pipe(&ends) == 0 else { exit(1) }
            close(ends[0])
            guard write(ends[1], "x", 1) == -1, errno == EPIPE else { exit(2) }
            var limit = rlimit(rlim_cur: 10, rlim_max: 10)
            guard setrlimit(__rlimit_resource_t(UInt32(RLIMIT_FSIZE.rawValue)), &limit) == 0 else {
                exit(3)
            }
            var path = Array("/tmp/purkinje-limit-XXXXXX".utf8CString)
            let file = mkstemp(&path)
            defer { unlink(path) }
            let bytes = [UInt8](repeating: 1, count: 100)
            let (count, code) = bytes.withUnsafeBytes { writeWhole($0, to: file) }
            unlink(path)
            guard count == 10, code == EFBIG else { exit(4) }
        }
    }

    @Test func signalsThatAParentHasBlockedAreLetThrough() async {
        await #expect(processExitsWith: .signal(SIGTERM)) {
            var all = sigset_t()
            sigfillset(&all)
            pthread_sigmask(SIG_BLOCK, &all, nil)
            kill(getpid(), SIGTERM)
            try ProcessStart.prepare()
        }
    }
}
