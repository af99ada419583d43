namespace Raijin.Data;

/// <summary>What loaders must be like to be combined.</summary>
static class Combining
{
    public static void AddFaults(List<OptionFault> faults, string which, long? batches, bool orEmpty = false)
    {
        if (batches is null)
            faults.Add(new($"combined.{which}", "is a stream of unknown length, so that no position follows from it; give its Count, or combine it as the shortest"));
        else if (batches == 0 && !orEmpty)
            faults.Add(new($"combined.{which}", "has no batch on this rank, so that it could not begin anew; lower its batch size or the number of ranks"));
    }
}
