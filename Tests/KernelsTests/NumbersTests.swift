import Kernels
import Testing

/// Numbers with bounds: what is within them, and that nothing else is reached.
@Suite struct NumbersTests {
    @Test func partsAreTheSameNumbersCountedAnew() {
        var array: [Float] = [0, 1, 2, 3, 4, 5]
        array.withNumbers { numbers in
            let part = numbers.part(2..<5)
            part[0] = 20
            #expect(part.count == 3 && Array(part) == [20, 3, 4])
            #expect(numbers.part(6..<6).isEmpty && Array(part.part(1..<3)) == [3, 4])
            part.part(0..<2).update(from: part.part(1..<3))
        }
        #expect(array == [0, 1, 3, 4, 4, 5])
    }

    @Test func numbersAreTakenOverFromArraysAndSpans() {
        var (numbers, span): ([Int32], [Int32]) = ([1, 2, 3], [0, 0, 0])
        numbers.withNumbers {
            $0.update(from: ([7, 8, 9, 10] as [Int32]).span.extracting(1..<4))
            $0.withMutableSpan { $0[2] = -1 }
        }
        #expect(numbers == [8, 9, -1])
        var target = span.mutableSpan
        target.copy(from: numbers.span)
        #expect(span == [8, 9, -1])
        numbers.withNumbers { $0.update(repeating: 5) }
        #expect(numbers == [5, 5, 5])
    }

    /// The loops on numbers are those on buffers, so they give the same bits.
    @Test(arguments: [1, 7, 8, 15, 16, 17, 31, 32, 33, 100]) func loopsAreThoseOnBuffers(count: Int)
    {
        var (x, y) = (Sweep.numbers(count, 1), Sweep.numbers(count, 2))
        let (a, b) = (x, y)
        x.withNumbers { x in
            y.withNumbers { y in
                #expect(dot(x, y) == dot(a, b, count: count))
                #expect(sum(x) == sum(a, count: count))
                #expect(sumOfSquares(x) == sumOfSquares(a, count: count))
                #expect(squaredDistance(x, y) == squaredDistance(a, b, count: count))
                #expect(maximum(x) == maximum(a, count: count))
                #expect(maximum(x) == x[placeOfLargest(x)])
                #expect(
                    sumOfSquaredDeviations(x, from: 0.5)
                        == sumOfSquaredDeviations(a, from: 0.5, count: count))
                addProduct(x, 0.5, into: y)
            }
        }
        var expected = b
        addProduct(a, 0.5, into: &expected, count: count)
        #expect(y == expected)
    }

    @Test(arguments: [1, 8, 17]) func squaredDeviationsAreThoseInDouble(count: Int) {
        var (x, means) = (Sweep.numbers(count, 3), Sweep.numbers(count, 4))
        var sums = Array(repeating: Float(1), count: count)
        let expected = zip(x, means).map { 1 + Double($0 - $1) * Double($0 - $1) }
        x.withNumbers { x in
            means.withNumbers { means in
                sums.withNumbers { addSquaredDeviations(x, from: means, into: $0) }
            }
        }
        expectClose(sums, expected, within: 4e-6)
    }

    @Test func largestIsTheFirstOfEqualOnes() {
        var numbers: [Float] = [1, 3, -2, 3, 3]
        #expect(numbers.withNumbers { placeOfLargest($0) } == 1)
        #expect(numbers.withNumbers { placeOfLargest($0.part(0..<0)) } == 0)
    }

    @Test func vectorsAreBroughtToUnitLength() {
        var (numbers, zeros): ([Float], [Float]) = ([3, 0, -4], [0, 0])
        numbers.withNumbers { scaleToUnitLength($0) }
        zeros.withNumbers { scaleToUnitLength($0) }
        #expect(zip(numbers, [0.6, 0, -0.8] as [Float]).allSatisfy { abs($0 - $1) < 1e-6 })
        #expect(zeros == [0, 0])
    }

    @Test func softmaxHasASumOfOne() {
        var numbers: [Float] = [0.5, -.infinity, 2]
        let logarithm = numbers.withNumbers { softmax($0, scale: 1) }
        #expect(abs(logarithm - 2.201_413) < 1e-5)
        #expect(numbers[1] == 0 && abs(numbers[0] + numbers[2] - 1) < 1e-6)
    }

    /// A point among others, against sums over pairs one by one.
    @Test(arguments: [1, 2, 4, 5, 9]) func pairSumsAreThoseOfAllPairs(count: Int) {
        let x = Sweep.numbers(count, 5).map(Double.init)
        let y = Sweep.numbers(count, 6).map(Double.init)
        let shares = Sweep.numbers(count, 7).map { Double(abs($0)) }
        for point in 0..<count {
            let found = PlanePairSums(of: point, x: x.span, y: y.span, shares: shares.span)
            var (nearness, pull, push) = (0.0, 0.0, 0.0)
            for other in 0..<count where other != point {
                let (dx, dy) = (x[point] - x[other], y[point] - y[other])
                let near = 1 / (1 + dx * dx + dy * dy)
                nearness += near
                pull += shares[other] * near * dx
                push += near * near * dx
            }
            #expect(abs(found.nearness - nearness) < 1e-12)
            #expect(abs(found.attraction.x - pull) < 1e-12)
            #expect(abs(found.repulsion.x - push) < 1e-12)
        }
    }
}

/// What stops the process rather than reach beyond the numbers.
@Suite struct NumbersMisuseTests {
    @Test func aPlaceBeyondTheNumbersStops() async {
        await #expect(processExitsWith: .failure) {
            var numbers: [Float] = [1, 2]
            numbers.withNumbers { $0[2] = 0 }
        }
    }

    @Test func aPartBeyondTheNumbersStops() async {
        await #expect(processExitsWith: .failure) {
            var numbers: [Float] = [1, 2]
            numbers.withNumbers { _ = $0.part(1..<3) }
        }
    }

    @Test func operandsOfDifferentCountsStop() async {
        await #expect(processExitsWith: .failure) {
            var numbers: [Float] = [1, 2, 3]
            numbers.withNumbers { _ = dot($0, $0.part(0..<2)) }
        }
    }

    #if DEBUG
        @Test func overlappingBuffersStopInDebugBuilds() async {
            await #expect(processExitsWith: .failure) {
                var numbers: [Float] = [1, 2, 3]
                numbers.withNumbers { add($0.part(0..<2), into: $0.part(1..<3)) }
            }
        }

        @Test func aNegativeCountStopsInDebugBuilds() async {
            await #expect(processExitsWith: .failure) {
                let numbers: [Float] = [1]
                _ = FixedPoint.exponent(of: numbers, count: -1)
            }
        }
    #endif
}
