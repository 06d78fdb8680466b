import Collectives
import Runs
import Runtime
import Transport

/// What a worker is started with, and what it says of itself.
public struct WorkerOptions: Sendable {
    /// Names the process.
    public var id = WorkerID.random()
    /// The run.
    public var directory: RunDirectory
    /// The run's name, 32 hexadecimal digits.
    public var runID: String
    /// The coordinator; `nil` for the one that the run directory names.
    public var coordinator: NetworkAddress?
    /// Where it takes data connections; `nil` for the address that reaches the coordinator, and any port.
    public var listen: NetworkAddress?
    /// The host that other workers are told to connect to; `nil` for the one that the coordinator sees.
    public var advertisedHost: String?
    /// How long it looks for a lost coordinator.
    public var coordinatorPatience: Duration = .seconds(600)
    /// Makes what sums travel on.
    public var exchange: any ExchangeConnector = RingConnector()
    /// Digest of the configuration keys that decide bits.
    public var configurationDigest: Digest
    /// The resolved configuration.
    public var configuration: JSONValue
    /// Content of the data set.
    public var datasetDigest: Digest
    /// The matrix library and its version.
    public var matrixLibrary: String
    /// The matrix kernel, which decides bits.
    public var kernel: String
    /// Threads that compute.
    public var threads: Int
    /// Whether a replica holds the state of step 0 as it is made; not where the run starts from weights, which only its
    /// first checkpoint has.
    public var holdsBeginning = true
    /// Waits for connections, and has the clock.
    public var waiter: any StreamWaiter = PollWaiter()

    /// Options with the defaults for all that may be left out.
    public init(
        directory: RunDirectory, runID: String, configurationDigest: Digest,
        configuration: JSONValue, datasetDigest: Digest, matrixLibrary: String, kernel: String,
        threads: Int
    ) {
        self.directory = directory
        self.runID = runID
        self.configurationDigest = configurationDigest
        self.configuration = configuration
        self.datasetDigest = datasetDigest
        self.matrixLibrary = matrixLibrary
        self.kernel = kernel
        self.threads = threads
    }
}
