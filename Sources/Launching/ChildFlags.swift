import CommandLineInterface
import Runtime

/// How a coordinator or a worker and the launcher that started it watch each other.
public struct ChildFlags: Sendable, Equatable {
    private static let untilInputEnds = Flag(
        "until-input-ends",
        help:
            "Take the end of standard input for SIGTERM, for launchers that hold its other end; text before it is why the run cannot go on."
    )
    private static let signsOfLife = Option(
        "signs-of-life", .duration(Duration.milliseconds(1)...), otherwise: "none",
        help:
            "Write a byte to standard output this often, for launchers that look whether it is frozen."
    )

    /// Both, at the end of a program's help.
    public static let all: [any Parameter] = [untilInputEnds, signsOfLife]

    /// Whether the end of standard input is the wish that it ends.
    public var followsInput = false
    /// How often it shows that it is not frozen; `nil` for never.
    public var signsOfLife: Duration?

    /// A process that nobody watches, unless told.
    public init(followsInput: Bool = false, signsOfLife: Duration? = nil) {
        (self.followsInput, self.signsOfLife) = (followsInput, signsOfLife)
    }

    /// Reads a command line.
    init(_ given: Invocation) {
        self.init(followsInput: given[Self.untilInputEnds], signsOfLife: given[Self.signsOfLife])
    }

    /// The command line that says it.
    var arguments: [String] {
        Self.untilInputEnds.words(followsInput) + Self.signsOfLife.words(signsOfLife)
    }

    /// Begins to show signs of life, where they are wanted.
    public func begin() throws {
        if let signsOfLife { try SignsOfLife.begin(every: signsOfLife) }
    }

    /// Takes the end of standard input for a request, where that is wanted.
    public func follow(by stop: StopRequest) throws(SystemError) {
        if followsInput { try stop.followStandardInput() }
    }
}
