using Pachyderm.Migration.Steps;

namespace Pachyderm.Migration.Reports;

/// <summary>Counts what becomes of old results.</summary>
internal static class TagSummaries
{
    private const int MostDetails = 1000;

    /// <summary>Goes through proposals, doing something with each result that was found.</summary>
    public static async Task<TagSummary> CollectAsync(IAsyncEnumerable<TagProposal> proposals, Func<TagProposal, Task> carry)
    {
        long carried = 0;
        long unreachable = 0;
        long without = 0;
        List<string> details = [];
        await foreach (TagProposal proposal in proposals)
        {
            if (proposal.ObjectHash is not null)
            {
                carried++;
                await carry(proposal);
                continue;
            }

            if (proposal.NeverSucceeded)
            {
                without++;
                continue;
            }

            unreachable++;
            if (details.Count < MostDetails)
            {
                details.Add($"{proposal.Pipeline} {proposal.Datum}: {proposal.Reason}");
            }
        }

        return new TagSummary(carried, unreachable, without, details);
    }
}
