import Transport

/// The small exchange: every contribution travels once round the ring, in pieces.
extension RingMachine {
    func begin(_ key: ExchangeKey, _ payload: [UInt8]) {
        wantedGather = key
        ownContribution = payload
        var head = header(.small)
        head.step = key.step
        head.round = key.round
        head.phase = FrameHeader.Phase.small
        head.bucket = UInt16(rank)
        let pieceBytes = FrameType.small.payloadLimitBytes
        var offset = 0
        repeat {
            let piece = payload[offset..<min(offset + pieceBytes, payload.count)]
            offset = piece.endIndex
            head.flags = offset == payload.count ? .last : []
            outbox.append((head, copy(piece)))
            head.chunk += 1
        } while offset < payload.count
    }

    private func copy(_ piece: ArraySlice<UInt8>) -> ChunkBuffer {
        let buffer = ChunkBuffer(byteCount: piece.count)
        piece.withUnsafeBytes {
            UnsafeMutableRawBufferPointer(start: buffer.start, count: piece.count)
                .copyMemory(from: $0)
        }
        return buffer
    }

    /// Takes a piece of another rank's contribution and hands it on.
    func takeSmall(_ header: FrameHeader, _ buffer: ChunkBuffer) throws(CollectiveError) {
        let origin = Int(header.bucket)
        guard header.generation == generation else {
            statistics.staleFrames += 1
            return
        }
        guard origin < worldSize, origin != rank else {
            throw .violation(
                rank: previous.rank, peer: previous.stream.peer,
                what: "a contribution of rank \(origin)")
        }
        let key = ExchangeKey(step: header.step, round: header.round)
        let piece = UnsafeRawBufferPointer(start: buffer.start, count: header.payloadBytes)
        if let last = contributions[origin].last, !last.isWhole {
            let index = contributions[origin].count - 1
            guard last.key == key,
                last.bytes.count + piece.count <= Ring.largestContributionBytes
            else {
                throw .violation(
                    rank: previous.rank, peer: previous.stream.peer,
                    what: "a contribution of rank \(origin) that goes on without end")
            }
            contributions[origin][index].bytes += piece
            contributions[origin][index].isWhole = header.flags.contains(.last)
        } else {
            contributions[origin].append(
                SmallContribution(
                    key: key, bytes: Array(piece), isWhole: header.flags.contains(.last)))
        }
        if origin != (rank + 1) % worldSize {
            var head = header
            head.flags.remove(.headerChecksumOnly)
            outbox.append((head, copy(Array(piece)[...])))
        }
    }

    /// Whether every other rank's contribution to the wanted exchange is here.
    var hasAllContributions: Bool {
        contributions.indices.allSatisfy { $0 == rank || contributions[$0].first?.isWhole == true }
    }

    /// The contributions of all ranks once they are here and handed on.
    func finishedGather() throws(CollectiveError) -> [[UInt8]]? {
        guard let wantedGather else { return nil }
        for origin in contributions.indices {
            while let first = contributions[origin].first, first.isWhole,
                first.key.isOlder(than: wantedGather)
            {
                statistics.staleFrames += 1
                contributions[origin].removeFirst()
            }
            if let first = contributions[origin].first, first.key != wantedGather {
                throw .violation(
                    rank: origin, peer: "through \(previous.stream.peer)",
                    what: "a contribution to \(first.key) instead of \(wantedGather)")
            }
        }
        guard hasAllContributions, outbox.isEmpty, next.stream.writer.isIdle else { return nil }
        self.wantedGather = nil
        return contributions.indices.map { origin in
            origin == rank ? ownContribution : contributions[origin].removeFirst().bytes
        }
    }
}
