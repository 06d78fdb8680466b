import Foundation

/// How a process shows the one that started it that it is not frozen.
public enum SignsOfLife {
    /// Writes a byte to standard output at an interval, from a thread of its own, for as long as somebody reads there.
    ///
    /// It tells of a process that was stopped, or that gets no time, and not of one whose work waits for a slow disk: to end
    /// that one would make nothing faster.
    ///
    /// - Parameter interval: From one byte to the next.
    /// - Throws: `SystemError` when no thread can be started.
    public static func begin(every interval: Duration) throws(SystemError) {
        // A reader that was stopped itself must not stop this process: what finds no room is left out.
        let flags = fcntl(STDOUT_FILENO, F_GETFL)
        guard flags >= 0, fcntl(STDOUT_FILENO, F_SETFL, flags | O_NONBLOCK) == 0 else {
            throw SystemError(call: "fcntl", subject: "standard output")
        }
        let (seconds, attoseconds) = interval.components
        let pause = timespec(
            tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        _ = try NamedThread("life", stackBytes: 256 << 10) {
            var byte: UInt8 = 0x0A
            while retryingInterrupts({ write(STDOUT_FILENO, &byte, 1) }) == 1 || errno == EAGAIN {
                var left = pause
                nanosleep(&left, nil)
            }
        }
    }
}
