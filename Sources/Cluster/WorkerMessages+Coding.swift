import Runtime
import Transport

extension WorkerMessage {
    /// The frame type and payload on the wire.
    func encoded() -> (type: FrameType, payload: [UInt8]) {
        var fields = FieldWriter()
        let type: ControlType
        switch self {
        case .hello(let hello):
            type = .hello
            hello.encode(into: &fields)
        case .report(let generation, let held):
            type = .report
            fields.append(1, generation)
            fields.append(2, held)
        case .ready(let ready):
            type = .ready
            ready.encode(into: &fields)
        case .applied(let report):
            type = .applied
            fields.append(1, report)
        case .diverged(let generation, let step, let message):
            type = .diverged
            fields.append(1, generation)
            fields.append(2, step)
            fields.append(3, message)
        case .closed(let generation, let report):
            type = .closed
            fields.append(1, generation)
            fields.append(2, report)
        case .heartbeat(let heartbeat):
            type = .heartbeat
            fields.append(1, heartbeat.generation)
            fields.append(2, heartbeat.step)
            fields.append(3, heartbeat.activity)
            fields.append(4, heartbeat.residentBytes)
        case .suspect(let generation, let peer, let reason):
            type = .suspect
            fields.append(1, generation)
            if let peer { fields.append(2, peer) }
            fields.append(3, reason)
        case .leave: type = .leave
        case .failed(let message):
            type = .failed
            fields.append(1, message)
        case .checkpointShardDone(let name, let index, let receipt):
            type = .checkpointShardDone
            fields.append(1, name)
            fields.append(2, index)
            fields.append(3, receipt)
        case .checkpointShardFailed(let name, let index, let message):
            type = .checkpointShardFailed
            fields.append(1, name)
            fields.append(2, index)
            fields.append(3, message)
        case .stateFailed(let generation, let message):
            type = .stateFailed
            fields.append(1, generation)
            fields.append(2, message)
        case .statusRequest: type = .statusRequest
        }
        return (type.frameType, fields.bytes)
    }

    /// Reads a message.
    ///
    /// - Throws: `MessageError` that names the type and the field.
    init(_ frame: Frame) throws(MessageError) {
        let type = frame.header.type.rawValue
        self = try decoding(frame) { fields in
            switch ControlType(rawValue: type) {
            case .hello: return .hello(try Hello(fields))
            case .report:
                return .report(generation: try fields.small(1), try fields.held(2))
            case .ready: return .ready(try Ready(fields))
            case .applied: return .applied(try fields.stepReport(1))
            case .diverged:
                return .diverged(
                    generation: try fields.small(1), step: try fields.integer(2),
                    message: try fields.text(3))
            case .closed:
                return .closed(generation: try fields.small(1), report: try fields.json(2))
            case .heartbeat:
                return .heartbeat(
                    Heartbeat(
                        generation: try fields.small(1), step: try fields.integer(2),
                        activity: try fields.text(3), residentBytes: try fields.integer(4)))
            case .suspect:
                let peer = try fields.optionalInteger(2).map { UInt32(truncatingIfNeeded: $0) }
                return .suspect(
                    generation: try fields.small(1), peer: peer, reason: try fields.text(3))
            case .leave: return .leave
            case .failed: return .failed(message: try fields.text(1))
            case .checkpointShardDone:
                return .checkpointShardDone(
                    try fields.checkpointName(1), index: try fields.count(2),
                    receipt: try fields.json(3))
            case .checkpointShardFailed:
                return .checkpointShardFailed(
                    try fields.checkpointName(1), index: try fields.count(2),
                    message: try fields.text(3))
            case .stateFailed:
                return .stateFailed(
                    generation: try fields.small(1), message: try fields.text(2))
            case .statusRequest: return .statusRequest
            default: throw MessageError.unexpectedType(type)
            }
        }
    }
}

extension Hello {
    fileprivate func encode(into fields: inout FieldWriter) {
        fields.append(1, id.value)
        fields.append(2, number)
        fields.append(3, softwareVersion)
        fields.append(4, runID)
        fields.append(5, configurationDigest)
        fields.append(6, configuration)
        fields.append(7, datasetDigest)
        fields.append(8, kernel)
        fields.append(9, hostName)
        fields.append(10, UInt64(UInt32(bitPattern: processID)))
        fields.append(11, threads)
        fields.append(12, UInt64(dataPort))
        fields.append(13, advertisedHost)
        fields.append(14, term)
        fields.append(15, generation)
        fields.append(16, held)
        fields.append(17, matrixLibrary)
    }

    fileprivate init(_ fields: FieldReader) throws {
        self.init(
            id: WorkerID(try fields.integer(1)), number: try fields.small(2),
            softwareVersion: try fields.text(3), runID: try fields.text(4),
            configurationDigest: try fields.text(5), configuration: try fields.text(6),
            datasetDigest: try fields.text(7), matrixLibrary: try fields.text(17),
            kernel: try fields.text(8),
            hostName: try fields.text(9),
            processID: Int32(bitPattern: try fields.small(10)), threads: try fields.small(11),
            dataPort: try fields.small(12), advertisedHost: try fields.text(13),
            term: try fields.small(14), generation: try fields.small(15),
            held: try fields.held(16))
    }
}

extension Ready {
    fileprivate func encode(into fields: inout FieldWriter) {
        fields.append(1, generation)
        fields.append(2, step)
        fields.append(3, checksum)
        if let stateDigest { fields.append(4, stateDigest.bytes) }
        fields.append(5, recomputed)
        fields.append(6, timings.compute)
        fields.append(7, timings.wait)
        fields.append(8, timings.exchange)
        fields.append(9, timings.wireBytes)
    }

    fileprivate init(_ fields: FieldReader) throws {
        var timings = StepTimings()
        timings.compute = try fields.double(6)
        timings.wait = try fields.double(7)
        timings.exchange = try fields.double(8)
        timings.wireBytes = try fields.integer(9)
        self.init(
            generation: try fields.small(1), step: try fields.integer(2),
            checksum: try fields.small(3), stateDigest: try fields.digest(4),
            recomputed: try fields.flag(5), timings: timings)
    }
}
