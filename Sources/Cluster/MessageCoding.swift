import Checkpoints
import Runtime
import Transport

/// The frame types of control messages, as docs/protocol.md lists them.
enum ControlType: UInt8 {
    // From a worker.
    case hello = 1
    case report = 2
    case ready = 3
    case applied = 4
    case diverged = 5
    case closed = 6
    case heartbeat = 7
    case suspect = 8
    case leave = 9
    case failed = 10
    case checkpointShardDone = 11
    case checkpointShardFailed = 12
    case stateFailed = 13
    case statusRequest = 14
    // From the coordinator.
    case welcome = 33
    case refused = 34
    case regroup = 35
    case form = 36
    case plan = 37
    case replaceState = 38
    case beginCheckpointShard = 39
    case alive = 40
    case evicted = 41
    case released = 42
    case ended = 43
    case status = 44
    // Between workers, first message of a data connection.
    case ringEdge = 65
    case stateRequest = 66
    case stateOffer = 67

    var frameType: FrameType { FrameType(rawValue: rawValue) }
}

/// A frame that is no message of this protocol.
public enum MessageError: Error, Equatable, CustomStringConvertible {
    case unexpectedType(UInt8)
    case badField(type: UInt8, FieldError)
    case badValue(type: UInt8, what: String)

    /// The sentence for people.
    public var description: String {
        switch self {
        case .unexpectedType(let type): "message type \(type) is not expected here"
        case .badField(let type, let error): "message type \(type): \(error)"
        case .badValue(let type, let what): "message type \(type): \(what)"
        }
    }
}

/// Runs a decoder and says which message its error was in.
func decoding<Message>(_ frame: Frame, _ body: (FieldReader) throws -> Message)
    throws(MessageError) -> Message
{
    let type = frame.header.type.rawValue
    do {
        return try body(FieldReader(frame.payload))
    } catch let error as MessageError {
        throw error
    } catch let error as FieldError {
        throw .badField(type: type, error)
    } catch {
        throw .badValue(type: type, what: "\(error)")
    }
}

// MARK: Values that several messages have

extension FieldWriter {
    mutating func append(_ tag: UInt16, _ value: UInt32) { append(tag, UInt64(value)) }

    mutating func append(_ tag: UInt16, _ value: JSONValue) { append(tag, value.text()) }

    /// Shards travel as two bytes each.
    mutating func append(_ tag: UInt16, shards: [Int]) {
        append(tag, shards.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8 & 0xFF)] })
    }

    mutating func append(_ tag: UInt16, _ value: CheckpointName) {
        var fields = FieldWriter()
        fields.append(1, value.step)
        fields.append(2, value.generation)
        fields.append(3, value.term)
        append(tag, fields)
    }

    mutating func append(_ tag: UInt16, _ value: ExchangeMember) {
        var fields = FieldWriter()
        fields.append(1, value.id.value)
        fields.append(2, value.number)
        fields.append(3, value.endpoint.host)
        fields.append(4, UInt64(value.endpoint.port))
        append(tag, fields)
    }

    mutating func append(_ tag: UInt16, _ value: StepReport) {
        var fields = FieldWriter()
        fields.append(1, value.step)
        fields.append(2, value.report)
        fields.append(3, value.updateSeconds)
        append(tag, fields)
    }

    mutating func append(_ tag: UInt16, _ value: HeldState) {
        var fields = FieldWriter()
        if let applied = value.applied { fields.append(1, applied) }
        if let reduced = value.reduced {
            fields.append(2, reduced.step)
            fields.append(3, reduced.checksum)
        }
        if let sums = value.sums {
            var part = FieldWriter()
            part.append(1, sums.step)
            part.append(2, UInt64(sums.round))
            part.append(3, sums.exponents)
            part.append(4, shards: sums.shards)
            fields.append(4, part)
        }
        if let report = value.lastReport { fields.append(5, report) }
        append(tag, fields)
    }
}

extension FieldReader {
    func small<Value: FixedWidthInteger>(_ tag: UInt16, as: Value.Type = Value.self)
        throws(FieldError) -> Value
    {
        let value = try integer(tag)
        guard let narrow = Value(exactly: value) else {
            throw .outOfRange(tag: tag, value: value)
        }
        return narrow
    }

    func json(_ tag: UInt16) throws -> JSONValue { try JSONValue(parsing: bytes(tag)) }

    func shards(_ tag: UInt16) throws(FieldError) -> [Int] {
        let value = try bytes(tag)
        guard value.count % 2 == 0 else {
            throw .wrongSize(tag: tag, expectedBytes: value.count + 1, foundBytes: value.count)
        }
        return stride(from: 0, to: value.count, by: 2).map {
            Int(value[$0]) | Int(value[$0 + 1]) << 8
        }
    }

    func checkpointName(_ tag: UInt16) throws -> CheckpointName {
        let fields = try message(tag)
        return CheckpointName(
            step: try fields.integer(1), generation: try fields.integer(2),
            term: try fields.integer(3))
    }

    func exchangeMembers(_ tag: UInt16) throws -> [ExchangeMember] {
        try all(tag).map { bytes in
            let fields = try FieldReader(bytes)
            return ExchangeMember(
                id: WorkerID(try fields.integer(1)), number: try fields.small(2),
                endpoint: NetworkAddress(host: try fields.text(3), port: try fields.small(4)))
        }
    }

    func stepReport(_ tag: UInt16) throws -> StepReport {
        let fields = try message(tag)
        return StepReport(
            step: try fields.integer(1), report: try fields.json(2),
            updateSeconds: try fields.double(3))
    }

    func held(_ tag: UInt16) throws -> HeldState {
        let fields = try message(tag)
        var held = HeldState(applied: try fields.optionalInteger(1))
        if let step = try fields.optionalInteger(2) {
            held.reduced = ReducedSums(step: step, checksum: try fields.small(3))
        }
        if fields.optionalBytes(4) != nil {
            let part = try fields.message(4)
            held.sums = LocalSums(
                step: try part.integer(1), round: try part.small(2),
                exponents: try part.bytes(3), shards: try part.shards(4))
        }
        if fields.optionalBytes(5) != nil { held.lastReport = try fields.stepReport(5) }
        return held
    }

    func digest(_ tag: UInt16) throws(FieldError) -> Digest? {
        guard let bytes = optionalBytes(tag) else { return nil }
        guard bytes.count == 32 else {
            throw .wrongSize(tag: tag, expectedBytes: 32, foundBytes: bytes.count)
        }
        return Digest(bytes: bytes)
    }
}
