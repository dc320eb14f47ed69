using System.Globalization;

namespace Pachyderm.Bench.Budgets;

/// <summary>What one step of a hot path may allocate, on all threads together. Allocations do not depend on the machine, so a change that exceeds a budget is seen everywhere.</summary>
/// <param name="Name">What is done once.</param>
/// <param name="Limit">Bytes that it may allocate.</param>
internal sealed record AllocationBudget(string Name, long Limit)
{
    private const int Attempts = 3;

    /// <summary>Does the work until everything is compiled and cached, measures it, and prints a row.</summary>
    /// <param name="times">How many steps one call of <paramref name="workAsync"/> takes.</param>
    /// <param name="workAsync">Takes that many steps.</param>
    /// <returns>Whether the budget is kept.</returns>
    internal async Task<bool> CheckAsync(int times, Func<Task> workAsync)
    {
        await workAsync();
        long least = long.MaxValue;
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            // What the runtime allocates meanwhile, for compiling in tiers for example, is not the work's: the least counts.
            long before = GC.GetTotalAllocatedBytes(precise: true);
            await workAsync();
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        long each = least / times;
        string row = string.Create(CultureInfo.InvariantCulture, $"| {Name} | {each:n0} | {Limit:n0} |{(each > Limit ? " **exceeded**" : "")}");
        Console.Out.WriteLine(row);
        return each <= Limit;
    }
}
