import CSystem
import Foundation

/// What a program does before anything else, so that what it inherited from its parent is what the rest of it
/// takes it for.
public enum ProcessStart {
    /// Puts the standard streams and the signals in order.
    ///
    /// - Descriptors 0 to 2 that are closed are opened on `/dev/null`: a file or a pipe that is opened later would get
    ///   such a number and then be taken for the log. They are opened for reading alone, so that writing to
    ///   one is the error that it was, and not a success.
    /// - SIGPIPE and SIGXFSZ are ignored: a reader that is gone and a limit on the size of files (`ulimit -f`) come
    ///   back as errors of the call that met them.
    /// - The signals that ask for an end are let through, where a parent has blocked them.
    ///
    /// - Throws: `SystemError` where a closed descriptor cannot be opened.
    public static func prepare() throws(SystemError) {
        for descriptor in STDIN_FILENO...STDERR_FILENO { try openIfClosed(descriptor) }
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        var wanted = sigset_t()
        sigemptyset(&wanted)
        for number in endingSignals { sigaddset(&wanted, number) }
        pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
    }

    /// The signals by which people, terminals and schedulers ask for an end.
    public static let endingSignals = [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU]

    /// The lowest free number is what the kernel gives, and all below this one are open.
    private static func openIfClosed(_ descriptor: Int32) throws(SystemError) {
        guard fcntl(descriptor, F_GETFD) < 0, errno == EBADF else { return }
        // Where there is no /dev, the root is as good a thing that cannot be written to.
        for path in ["/dev/null", "/"] where open(path, O_RDONLY) == descriptor { return }
        throw SystemError(call: "open", subject: "/dev/null")
    }
}

/// Writes every byte to a descriptor that others share, which may be a terminal, a pipe or a file.
///
/// A descriptor that a parent has made non-blocking is waited for, as one that blocks would.
///
/// - Returns: How many bytes were written, and `errno` of the call that failed; 0 when all were.
public func writeWhole(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> (
    count: Int, code: Int32
) {
    var rest = bytes
    while !rest.isEmpty {
        let written = retryingInterrupts { write(descriptor, rest.baseAddress, rest.count) }
        if written > 0 {
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        } else if written < 0, errno == EAGAIN {
            var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            retryingInterrupts { Int(poll(&entry, 1, -1)) }
        } else {
            return (bytes.count - rest.count, written < 0 ? errno : EIO)
        }
    }
    return (bytes.count, 0)
}
