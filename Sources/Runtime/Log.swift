import Foundation

/// Lines on standard error, each written whole.
public struct Log: Sendable {
    /// What every line begins with, such as `worker 3`; empty for none.
    public let prefix: String

    /// A log whose lines begin with a prefix.
    public init(prefix: String = "") { self.prefix = prefix }

    /// Something that a user wants to read while all goes well.
    public func info(_ message: @autoclosure () -> String) { write(message()) }

    /// Something that a user should look at although the work goes on.
    public func warning(_ message: @autoclosure () -> String) { write("warning: " + message()) }

    /// Why the work stops.
    public func error(_ message: @autoclosure () -> String) { write("error: " + message()) }

    private func write(_ text: String) {
        var line = prefix.isEmpty ? text : "\(prefix): \(text)"
        line += "\n"
        line.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let written = retryingInterrupts {
                    Foundation.write(2, rest.baseAddress, rest.count)
                }
                guard written > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            }
        }
    }
}
