using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.States;

public sealed class MetricFaultsTests
{
    static (MetricStates States, MetricFaults Faults) Declare()
    {
        var states = new MetricStates();
        return (states, states.AddFaults("labels in [0, 10)", "probabilities in [0, 1]"));
    }

    [Fact]
    public void Nothing_noted_is_nothing_wrong()
    {
        var (states, faults) = Declare();
        using (states)
        {
            using var scope = NewDisposeScope();
            faults.Note(0, 0, 5);
            faults.Note(1, zeros(3, ScalarType.Bool), ones(3));
            faults.ThrowIfAny();
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_was_noted_is_reported_with_its_number_and_the_first(bool onHost)
    {
        var (states, faults) = Declare();
        using (states)
        {
            using var scope = NewDisposeScope();
            if (onHost)
            {
                faults.Note(1, 2, 1.5);
                faults.Note(1, 1, -3);
            }
            else
            {
                faults.Note(1, tensor(new[] { false, true, true }), tensor(new[] { 0.5, 1.5, 7.0 }));
                faults.Note(1, tensor(new[] { true }), tensor(new[] { -3.0 }));
            }
            var error = Assert.Throws<MetricInputException>(faults.ThrowIfAny);
            Assert.Equal("The metric expected probabilities in [0, 1], but 3 values were not; the first was 1.5.", error.Message);
            Assert.Equal(("probabilities in [0, 1]", 3, 1.5), (error.Expected, error.Count, error.First));
            states.Reset();
            faults.ThrowIfAny();
        }
    }

    [Fact]
    public void Merged_the_earlier_one_s_first_value_stands()
    {
        var (left, faults) = Declare();
        var (right, others) = Declare();
        using (left)
        using (right)
        {
            others.Note(0, 2, 12);
            left.Merge(right);
            Assert.Equal((2, 12.0), Of(faults));
            faults.Note(0, 1, 99);
            right.Merge(left);
            Assert.Equal((5, 12.0), Of(others));
        }

        static (long, double) Of(MetricFaults faults)
        {
            var error = Assert.Throws<MetricInputException>(faults.ThrowIfAny);
            return (error.Count, error.First);
        }
    }

    [Fact]
    public void At_once_the_kernel_s_update_reports_it()
    {
        var (states, faults) = Declare();
        using (states)
        {
            faults.AtOnce = true;
            Assert.Equal("The metric expected labels in [0, 10), but 1 value was not; the first was 12.", Assert.Throws<MetricInputException>(() => faults.Note(0, 1, 12)).Message);
        }
    }

    [Fact]
    public void At_once_an_update_on_any_device_reports_it()
    {
        var (states, faults) = Declare();
        using (states)
        {
            using var scope = NewDisposeScope();
            faults.AtOnce = true;
            faults.Note(0, zeros(2, ScalarType.Bool), ones(2));
            Assert.Equal("The metric expected labels in [0, 10), but 2 values were not; the first was -4.",
                Assert.Throws<MetricInputException>(() => faults.Note(0, tensor(new[] { false, true, true }), tensor(new[] { 1.0, -4.0, 11.0 }))).Message);
        }
    }
}
