import Checkpoints
import Collectives
import Foundation
import Runtime
import Tensors
import Transport

/// Where the pieces of a state lie: every tensor in pieces of 4 MiB, in the order of names.
struct StatePieces: Sendable {
    let tensors: [NamedTensor]
    let pieces: [(tensor: Int, range: Range<Int>)]

    init(_ state: [NamedTensor]) {
        tensors = state
        pieces = state.indices.flatMap { tensor in
            let bytes = state[tensor].tensor.byteCount
            return stride(from: 0, to: bytes, by: StateDigest.pieceBytes).map {
                (tensor, $0..<min($0 + StateDigest.pieceBytes, bytes))
            }
        }
    }

    func bytes(_ index: Int) -> UnsafeMutableRawBufferPointer {
        let piece = pieces[index]
        return UnsafeMutableRawBufferPointer(
            rebasing: tensors[piece.tensor].tensor.bytes[piece.range])
    }
}

/// Gives the state to joiners: one connection, one thread, one piece after the other as they are asked for.
///
/// The first request names the run and the step and is answered with the number of pieces and the report of the
/// step; a request for piece number *count* is answered with the digest of the whole state.
struct StateServer: Sendable {
    let pieces: StatePieces
    let lock: StateLock
    let runID: String
    let patience: Patience

    /// Serves a joiner whose first request has arrived, until it closes the connection.
    func serve(_ connection: MessageConnection, _ first: Frame) {
        do {
            try answer(connection, first)
        } catch {
            // The joiner reads why, closes, and asks somebody else.
            connection.refuse(reason: "\(error)")
        }
        connection.shutDown()
    }

    private func answer(_ connection: MessageConnection, _ first: Frame) throws {
        let request = try FieldReader(first.payload)
        guard try request.text(1) == runID else {
            throw MessageError.badValue(type: first.header.type.rawValue, what: "another run")
        }
        let step = try request.integer(2)
        let report = lock.reading(step: step, timeout: patience.heldStep) { $0 }
        guard let report else { throw StateTransferError.notHeld(step: step) }
        var offer = FieldWriter()
        offer.append(1, step)
        offer.append(2, pieces.pieces.count)
        if let report { offer.append(3, report) }
        try connection.send(
            ControlType.stateOffer.frameType, payload: offer.bytes, timeout: patience.message)
        while let frame = try next(connection) {
            let index = try FieldReader(frame.payload).count(1, in: 0...pieces.pieces.count)
            if index == pieces.pieces.count {
                try sendDigest(connection, step)
            } else {
                try sendPiece(connection, index, step)
            }
        }
    }

    /// The next request; `nil` when the joiner has all that it wants.
    private func next(_ connection: MessageConnection) throws -> Frame? {
        do throws(TransportError) {
            return try connection.receive(timeout: patience.stateDigest)
        } catch .closedByPeer {
            return nil
        }
    }

    private func sendPiece(_ connection: MessageConnection, _ index: Int, _ step: UInt64) throws {
        // Copied, so that a slow joiner does not keep the state from being updated.
        let copy = lock.reading(step: step, timeout: .zero) { _ in Array(pieces.bytes(index)) }
        guard let copy else { throw StateTransferError.notHeld(step: step) }
        var fields = FieldWriter()
        fields.append(1, index)
        fields.append(4, SHA256.digest(of: copy).bytes)
        try connection.send(
            ControlType.stateOffer.frameType, payload: fields.bytes, timeout: patience.message)
        var header = FrameHeader(type: .state)
        header.phase = FrameHeader.Phase.state
        header.chunk = UInt32(index)
        header.step = UInt32(truncatingIfNeeded: step)
        try connection.send(header, payload: copy, timeout: patience.statePiece)
    }

    private func sendDigest(_ connection: MessageConnection, _ step: UInt64) throws {
        let digest = lock.reading(step: step, timeout: .zero) { _ in
            StateDigest.digest(of: pieces.tensors)
        }
        guard let digest else { throw StateTransferError.notHeld(step: step) }
        var fields = FieldWriter()
        fields.append(4, digest.bytes)
        try connection.send(
            ControlType.stateOffer.frameType, payload: fields.bytes, timeout: patience.message)
    }
}

/// Why the state could not be taken over.
enum StateTransferError: Error, CustomStringConvertible {
    case notHeld(step: UInt64)
    case otherLayout(theirs: Int, ours: Int)
    case damagedPiece(index: Int, peer: String)
    case otherDigest(peer: String)
    case noSource(String)
    case abandoned

    var description: String {
        switch self {
        case .notHeld(let step): "the state of step \(step) is not held any more"
        case .otherLayout(let theirs, let ours):
            "the state has \(theirs) pieces there and \(ours) here: another model"
        case .damagedPiece(let index, let peer):
            "piece \(index) of the state from \(peer) does not have its SHA-256"
        case .otherDigest(let peer): "the whole state differs from that of \(peer)"
        case .noSource(let reasons): "no source gave the whole state: \(reasons)"
        case .abandoned: "the generation is over"
        }
    }
}

/// Takes the state from up to four members at once.
final class StateFetch: Sendable {
    private struct Progress {
        var todo: [Int]
        var open = 0
        var done = 0
        var report: StepReport?
        var reasons: [String] = []
        var connections: [MessageConnection] = []
        var running: Int
        var isAbandoned = false
    }

    let generation: UInt32
    private let pieces: StatePieces
    private let step: UInt64
    private let runID: String
    private let patience: Patience
    private let connect: @Sendable (ExchangeMember) throws -> MessageConnection
    private let startThread: ThreadStarter
    private let progress: Monitor<Progress>
    private let sources: [ExchangeMember]

    /// A transfer that is about to begin.
    ///
    /// - Parameters:
    ///   - generation: The one that it is for.
    ///   - pieces: The state to overwrite.
    ///   - step: The one whose state is wanted.
    ///   - sources: Who should have it.
    ///   - runID: The run, so that strangers are told apart.
    ///   - patience: How long sources are waited for.
    ///   - startThread: Starts a thread for each source.
    ///   - connect: Connects to a source; called from several threads.
    init(
        generation: UInt32, pieces: StatePieces, step: UInt64, sources: [ExchangeMember],
        runID: String, patience: Patience, startThread: @escaping ThreadStarter = startSystemThread,
        connect: @escaping @Sendable (ExchangeMember) throws -> MessageConnection
    ) {
        self.generation = generation
        self.pieces = pieces
        self.step = step
        self.sources = sources
        self.runID = runID
        self.patience = patience
        self.startThread = startThread
        self.connect = connect
        progress = Monitor(
            Progress(todo: pieces.pieces.indices.reversed(), running: sources.count))
    }

    /// Makes `run` fail soon.
    func abandon() {
        let connections = progress.update { progress in
            progress.isAbandoned = true
            return progress.connections
        }
        for connection in connections { connection.shutDown() }
    }

    /// Overwrites the state with that of the sources and checks it whole.
    ///
    /// - Returns: What was reported of the step.
    /// - Throws: `StateTransferError`, or `SystemError` where the system has no thread left; the state may then hold
    ///   anything, and nobody writes into it any more.
    func run() throws -> StepReport? {
        for (index, source) in sources.enumerated() {
            do throws(SystemError) {
                try startThread("fetch \(source.number)", 512 << 10) { [self] in
                    fetch(from: source)
                }
            } catch {
                // Those that have begun write into the state until they end.
                abandon()
                progress.update { $0.running -= sources.count - index }
                _ = progress.wait(until: { $0.running == 0 }, then: { _ in })
                throw error
            }
        }
        let end = progress.wait(until: { $0.running == 0 }, then: { $0 })
        guard let end, !end.isAbandoned else { throw StateTransferError.abandoned }
        guard end.done == pieces.pieces.count else {
            throw StateTransferError.noSource(end.reasons.joined(separator: "; "))
        }
        try compareDigest()
        return end.report
    }

    private func fetch(from source: ExchangeMember) {
        do {
            try take(from: source)
        } catch {
            progress.update { progress in
                progress.reasons.append("worker \(source.number): \(error)")
            }
        }
        progress.update { $0.running -= 1 }
    }

    private func offer(of source: ExchangeMember) throws -> (MessageConnection, FieldReader) {
        let connection = try connect(source)
        let isAbandoned = progress.update { progress in
            progress.connections.append(connection)
            return progress.isAbandoned
        }
        if isAbandoned { throw StateTransferError.abandoned }
        var request = FieldWriter()
        request.append(1, runID)
        request.append(2, step)
        try connection.send(
            ControlType.stateRequest.frameType, payload: request.bytes, timeout: patience.message)
        let offer = try FieldReader(
            receive(.stateOffer, on: connection, timeout: patience.stateOffer).payload)
        let count = try offer.count(2)
        guard count == pieces.pieces.count else {
            throw StateTransferError.otherLayout(theirs: count, ours: pieces.pieces.count)
        }
        return (connection, offer)
    }

    private func receive(
        _ type: ControlType, on connection: MessageConnection, timeout: Duration
    ) throws -> Frame {
        guard let frame = try connection.receive(timeout: timeout) else {
            throw TransportError.timedOut(
                peer: connection.peer, waitingFor: "its part of the state", after: timeout)
        }
        if frame.header.type == .refused {
            throw TransportError.refusedByPeer(
                peer: connection.peer, reason: String(decoding: frame.payload, as: UTF8.self))
        }
        guard frame.header.type == type.frameType else {
            throw MessageError.unexpectedType(frame.header.type.rawValue)
        }
        return frame
    }

    private func take(from source: ExchangeMember) throws {
        let (connection, offer) = try offer(of: source)
        defer { connection.shutDown() }
        if offer.optionalBytes(3) != nil {
            let report = try offer.stepReport(3)
            progress.update { $0.report = report }
        }
        while let index = nextPiece() {
            do {
                try take(index, on: connection)
                progress.update { progress in
                    progress.open -= 1
                    progress.done += 1
                }
            } catch {
                progress.update { progress in
                    progress.open -= 1
                    progress.todo.append(index)
                }
                throw error
            }
        }
    }

    /// A piece that nobody has taken yet; waits while others may still give theirs back.
    private func nextPiece() -> Int? {
        progress.wait(until: { !$0.todo.isEmpty || $0.open == 0 || $0.isAbandoned }) { progress in
            guard !progress.isAbandoned, let index = progress.todo.popLast() else { return nil }
            progress.open += 1
            return index
        } ?? nil
    }

    private func take(_ index: Int, on connection: MessageConnection) throws {
        let head = try FieldReader(ask(for: index, on: connection).payload)
        guard let frame = try connection.receive(timeout: patience.statePiece) else {
            throw TransportError.timedOut(
                peer: connection.peer, waitingFor: "a piece of the state",
                after: patience.statePiece)
        }
        let target = pieces.bytes(index)
        guard frame.header.type == .state, frame.header.chunk == UInt32(index),
            frame.payload.count == target.count, try head.count(1) == index,
            try head.digest(4) == SHA256.digest(of: frame.payload)
        else { throw StateTransferError.damagedPiece(index: index, peer: connection.peer) }
        target.copyBytes(from: frame.payload)
    }

    private func ask(for index: Int, on connection: MessageConnection) throws -> Frame {
        var request = FieldWriter()
        request.append(1, index)
        try connection.send(
            ControlType.stateRequest.frameType, payload: request.bytes, timeout: patience.message)
        return try receive(.stateOffer, on: connection, timeout: patience.stateDigest)
    }

    private func compareDigest() throws {
        var reasons: [String] = []
        for source in sources {
            do {
                let (connection, _) = try offer(of: source)
                defer { connection.shutDown() }
                let answer = try FieldReader(
                    ask(for: pieces.pieces.count, on: connection).payload)
                guard try answer.digest(4) == StateDigest.digest(of: pieces.tensors) else {
                    throw StateTransferError.otherDigest(peer: connection.peer)
                }
                return
            } catch let error as StateTransferError {
                throw error
            } catch {
                reasons.append("worker \(source.number): \(error)")
            }
        }
        throw StateTransferError.noSource(reasons.joined(separator: "; "))
    }
}
