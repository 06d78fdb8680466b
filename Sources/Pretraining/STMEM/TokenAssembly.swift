import Kernels
import NeuralNetworks

extension Tape {
    /// The encoder's sequence: each lead's seen patches with their positions, a separator at either end, and the
    /// lead's own vector added to all of them.
    ///
    /// - Parameters:
    ///   - embedded: Shape `[samples * leads * kept, width]`.
    ///   - choice: Which patches these are.
    ///   - separator: Shape `[width]`.
    ///   - leadVectors: One of shape `[width]` for each lead.
    ///   - positions: Shape `[patches + 2, width]`; the separators' rows are the first and the last.
    /// - Returns: Shape `[samples * leads * (kept + 2), width]`.
    func assembleTokens(
        _ embedded: Value, choice: PatchChoice, separator: Value, leadVectors: [Value],
        positions: Value
    ) -> Value {
        let vectors = numbers(leadVectors.count, of: Value.self)
        vectors.update(from: leadVectors.span)
        let y = result(
            rows: choice.samples * choice.leads * (choice.kept + 2), columns: embedded.columns)
        let operation = TokenAssemblyOperation(
            embedded: embedded, choice: choice, separator: separator, leadVectors: vectors,
            positions: positions, y: y)
        operation.forward()
        record(operation)
        return y
    }

    /// The decoder's sequences, one a lead: encoder tokens at their places, the mask vector at the others, positions
    /// added, the separators' tokens at the ends.
    ///
    /// - Parameters:
    ///   - embedded: Shape `[samples * leads * (kept + 2), width]`.
    ///   - choice: Which patches the encoder saw.
    ///   - maskVector: Shape `[width]`.
    ///   - positions: Shape `[patches + 2, width]`.
    /// - Returns: Shape `[samples * leads * (patches + 2), width]`.
    func assembleDecoderTokens(
        _ embedded: Value, choice: PatchChoice, maskVector: Value, positions: Value
    ) -> Value {
        let y = result(
            rows: choice.samples * choice.leads * (choice.patches + 2), columns: embedded.columns)
        let operation = DecoderAssemblyOperation(
            embedded: embedded, choice: choice, maskVector: maskVector, positions: positions, y: y)
        operation.forward()
        record(operation)
        return y
    }
}

private struct TokenAssemblyOperation: NeuralNetworks.Operation {
    let embedded: Value
    let choice: PatchChoice
    let separator: Value
    let leadVectors: Numbers<Value>
    let positions: Value
    let y: Value

    private var tokens: Int { choice.kept + 2 }

    /// Calls a closure for every token with its row, its lead, its position and its row in `embedded` (none for a
    /// separator).
    private func forEachToken(
        _ body: (_ row: Int, _ lead: Int, _ position: Int, _ source: Int?) -> Void
    ) {
        for group in 0..<(choice.samples * choice.leads) {
            let (lead, start) = (group % choice.leads, group * tokens)
            body(start, lead, 0, nil)
            for rank in 0..<choice.kept {
                let patch = Int(choice.order[group * choice.patches + rank])
                body(start + 1 + rank, lead, 1 + patch, group * choice.kept + rank)
            }
            body(start + tokens - 1, lead, choice.patches + 1, nil)
        }
    }

    func forward() {
        forEachToken { row, lead, position, source in
            let token = source.map { embedded.row($0) } ?? separator.numbers
            addRow(token, to: positions.row(position), into: y.row(row))
            add(leadVectors[lead].numbers, into: y.row(row))
        }
    }

    func backward(on tape: Tape) {
        guard let dy = tape.takenGradient(of: y) else { return }
        let dEmbedded = tape.addedGradient(to: embedded)
        let dSeparator = tape.addedGradient(to: separator)
        let dPositions = tape.addedGradient(to: positions)
        forEachToken { row, lead, position, source in
            let upstream = dy.row(row)
            if let source {
                if let dEmbedded { add(upstream, into: dEmbedded.row(source)) }
            } else if let dSeparator {
                add(upstream, into: dSeparator.numbers)
            }
            if let dPositions { add(upstream, into: dPositions.row(position)) }
            if let dVector = tape.addedGradient(to: leadVectors[lead]) {
                add(upstream, into: dVector.numbers)
            }
        }
        tape.finishUse(of: separator)
        tape.finishUse(of: positions)
        for lead in 0..<choice.leads { tape.finishUse(of: leadVectors[lead]) }
        tape.release(dy)
    }
}

private struct DecoderAssemblyOperation: NeuralNetworks.Operation {
    let embedded: Value
    let choice: PatchChoice
    let maskVector: Value
    let positions: Value
    let y: Value

    /// Calls a closure for every token with its row, its position and its row in `embedded` (none for a mask).
    private func forEachToken(_ body: (_ row: Int, _ position: Int, _ source: Int?) -> Void) {
        let (inner, outer) = (choice.kept + 2, choice.patches + 2)
        for group in 0..<(choice.samples * choice.leads) {
            body(group * outer, 0, group * inner)
            for rank in 0..<choice.patches {
                let position = 1 + Int(choice.order[group * choice.patches + rank])
                let source = rank < choice.kept ? group * inner + 1 + rank : nil
                body(group * outer + position, position, source)
            }
            body(group * outer + outer - 1, outer - 1, group * inner + inner - 1)
        }
    }

    func forward() {
        forEachToken { row, position, source in
            let token = source.map { embedded.row($0) } ?? maskVector.numbers
            addRow(token, to: positions.row(position), into: y.row(row))
        }
    }

    func backward(on tape: Tape) {
        guard let dy = tape.takenGradient(of: y) else { return }
        let dEmbedded = tape.addedGradient(to: embedded)
        let dMask = tape.addedGradient(to: maskVector)
        let dPositions = tape.addedGradient(to: positions)
        forEachToken { row, position, source in
            let upstream = dy.row(row)
            if let source {
                if let dEmbedded { add(upstream, into: dEmbedded.row(source)) }
            } else if let dMask {
                add(upstream, into: dMask.numbers)
            }
            if let dPositions { add(upstream, into: dPositions.row(position)) }
        }
        tape.finishUse(of: maskVector)
        tape.finishUse(of: positions)
        tape.release(dy)
    }
}
