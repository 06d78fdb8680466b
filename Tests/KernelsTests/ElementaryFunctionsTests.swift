import Foundation
import Kernels
import Testing

struct ElementaryFunctionsTests {
    /// The C library is the independent judge here; training itself never calls it.
    @Test func agreeWithTheCLibrary() {
        var random = RandomStream(seed: 3, purpose: .test)
        for _ in 0..<20_000 {
            let angle = (random.nextDouble() - 0.5) * 2_000
            #expect(abs(ElementaryFunctions.sine(angle) - sin(angle)) < 4e-15)
            #expect(abs(ElementaryFunctions.cosine(angle) - cos(angle)) < 4e-15)
            let x = (random.nextDouble() - 0.5) * 200
            #expect(abs(ElementaryFunctions.exponential(x) / exp(x) - 1) < 1e-14)
            let positive = exp(x)
            #expect(
                abs(ElementaryFunctions.logarithm(positive) - log(positive)) < 1e-15
                    * max(1, abs(x)) * 4)
        }
    }

    @Test func handleTheEdges() {
        #expect(ElementaryFunctions.exponential(-1_000) == 0)
        #expect(ElementaryFunctions.exponential(1_000) == .infinity)
        #expect(ElementaryFunctions.exponential(0) == 1)
        #expect(ElementaryFunctions.logarithm(0) == -.infinity)
        #expect(ElementaryFunctions.logarithm(-1).isNaN)
        #expect(ElementaryFunctions.logarithm(1) == 0)
        #expect(ElementaryFunctions.power(0.9, UInt64(3)) == 0.9 * (0.9 * 0.9))
        #expect(ElementaryFunctions.cosine(.pi) == -1)
    }
}
