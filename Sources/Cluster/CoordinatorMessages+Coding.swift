import Runtime
import Transport

extension CoordinatorMessage {
    /// The frame type and payload on the wire.
    func encoded() -> (type: FrameType, payload: [UInt8]) {
        var fields = FieldWriter()
        let type: ControlType
        switch self {
        case .welcome(let welcome):
            type = .welcome
            fields.append(1, welcome.term)
            fields.append(2, welcome.number)
            fields.append(3, UInt64(welcome.failureTimeout.milliseconds))
            fields.append(4, welcome.notice)
        case .refused(let message):
            type = .refused
            fields.append(1, message)
        case .regroup(let generation):
            type = .regroup
            fields.append(1, generation)
        case .form(let generation, let ring):
            type = .form
            fields.append(1, generation)
            for member in ring { fields.append(2, member) }
        case .plan(let plan):
            type = .plan
            plan.encode(into: &fields)
        case .replaceState(let generation, let source):
            type = .replaceState
            fields.append(1, generation)
            source.encode(into: &fields)
        case .beginCheckpointShard(let name, let index, let count):
            type = .beginCheckpointShard
            fields.append(1, name)
            fields.append(2, index)
            fields.append(3, count)
        case .heartbeat: type = .alive
        case .evicted(let reason, let discardState):
            type = .evicted
            fields.append(1, reason)
            fields.append(2, discardState)
        case .released: type = .released
        case .ended(let exitCode, let message):
            type = .ended
            fields.append(1, UInt32(bitPattern: exitCode))
            fields.append(2, message)
        case .status(let status):
            type = .status
            fields.append(1, status)
        }
        return (type.frameType, fields.bytes)
    }

    /// Reads a message.
    ///
    /// - Throws: `MessageError` that names the type and the field.
    init(_ frame: Frame) throws(MessageError) {
        let type = frame.header.type
        if type == .refused {
            self = .refused(message: String(decoding: frame.payload, as: UTF8.self))
            return
        }
        self = try decoding(frame) { fields in
            switch ControlType(rawValue: type.rawValue) {
            case .welcome:
                let milliseconds = try fields.count(3, in: 1...86_400_000)
                return .welcome(
                    Welcome(
                        term: try fields.small(1), number: try fields.small(2),
                        failureTimeout: .milliseconds(milliseconds), notice: try fields.text(4)))
            case .refused: return .refused(message: try fields.text(1))
            case .regroup: return .regroup(generation: try fields.small(1))
            case .form:
                return .form(generation: try fields.small(1), ring: try fields.exchangeMembers(2))
            case .plan: return .plan(try Plan(fields))
            case .replaceState:
                return .replaceState(
                    generation: try fields.small(1), try StateSource(fields))
            case .beginCheckpointShard:
                let count = try fields.count(3, in: 1...65_535)
                return .beginCheckpointShard(
                    try fields.checkpointName(1), index: try fields.count(2, in: 0...count - 1),
                    count: count)
            case .alive: return .heartbeat
            case .evicted:
                return .evicted(reason: try fields.text(1), discardState: try fields.flag(2))
            case .released: return .released
            case .ended:
                return .ended(
                    exitCode: Int32(bitPattern: try fields.small(1)),
                    message: try fields.text(2))
            case .status: return .status(try fields.json(1))
            default: throw MessageError.unexpectedType(type.rawValue)
            }
        }
    }
}

extension Plan {
    fileprivate func encode(into fields: inout FieldWriter) {
        fields.append(1, generation)
        fields.append(2, committed)
        switch work {
        case .hold: fields.append(3, UInt64(0))
        case .step(let work):
            fields.append(3, UInt64(1))
            fields.append(4, UInt64(work.round))
            fields.append(5, work.exponents)
            fields.append(6, shards: work.shards)
            fields.append(7, work.wantsDigest)
        case .close: fields.append(3, UInt64(2))
        }
    }

    fileprivate init(_ fields: FieldReader) throws {
        let work: Work
        switch try fields.count(3, in: 0...2) {
        case 0: work = .hold
        case 1:
            work = .step(
                StepWork(
                    round: UInt8(try fields.count(4, in: 0...1)),
                    exponents: try fields.bytes(5), shards: try fields.shards(6),
                    wantsDigest: try fields.flag(7)))
        default: work = .close
        }
        self.init(generation: try fields.small(1), committed: try fields.integer(2), work: work)
    }
}

extension StateSource {
    fileprivate func encode(into fields: inout FieldWriter) {
        switch self {
        case .members(let members, let step):
            fields.append(2, UInt64(0))
            fields.append(3, step)
            for member in members { fields.append(4, member) }
        case .checkpoint(let name):
            fields.append(2, UInt64(1))
            fields.append(5, name)
        case .initial: fields.append(2, UInt64(2))
        }
    }

    fileprivate init(_ fields: FieldReader) throws {
        switch try fields.count(2, in: 0...2) {
        case 0: self = .members(try fields.exchangeMembers(4), step: try fields.integer(3))
        case 1: self = .checkpoint(try fields.checkpointName(5))
        default: self = .initial
        }
    }
}
