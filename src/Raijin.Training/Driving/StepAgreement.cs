// What ranks tell each other of a step, in one small reduction between their gradients' and their updates, where all have just met:
//
//   0  microbatches that gave gradients       the mean of gradients counts each of them once, wherever it was
//   1  samples                2  tokens       counts of the run are those of all ranks
//   3  ranks that must stop                   a signal, a cancelled token: at once
//   4  ranks that wish to stop                a callback, the time: where the state is whole
//   5  ranks whose epoch is over              asked for by a hook, or a stream's end
//   6  ranks that write a checkpoint          what all write together is finished together
//   7  the first rank's training time         so that what is due by time is due on all

namespace Raijin.Training;

/// <summary>What all ranks together have to say at a step's end, or at another moment when they meet.</summary>
struct StepAgreement
{
    /// <summary>Microbatches that gave gradients, of all ranks.</summary>
    public double Gradients;

    public double Samples;

    public double Tokens;

    /// <summary>Ranks that must stop now.</summary>
    public double Musts;

    /// <summary>Ranks that wish to stop where the state is whole.</summary>
    public double Wishes;

    /// <summary>Ranks whose epoch is over.</summary>
    public double EpochEnds;

    /// <summary>Ranks that are writing their share of a checkpoint.</summary>
    public double Writers;

    /// <summary>Makes each number that of all ranks together.</summary>
    public void Meet(Peers peers, RunClock clock)
    {
        Span<double> numbers = [Gradients, Samples, Tokens, Musts, Wishes, EpochEnds, Writers, peers.IsFirst ? clock.Own.Ticks : 0];
        peers.Sum(numbers);
        (Gradients, Samples, Tokens, Musts, Wishes, EpochEnds, Writers) = (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6]);
        clock.Agree(new TimeSpan((long)numbers[7]));
    }
}
