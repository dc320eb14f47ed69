using System.CommandLine;
using Pachyderm.Pachctl.Output;
using Pachyderm.Pachctl.Server;
using Pachyderm.Wire.Pfs;
using static Pachyderm.Pachctl.Server.ServerCommand;

namespace Pachyderm.Pachctl.Pfs;

/// <summary>Commands on branches.</summary>
internal static class BranchCommands
{
    public static Command ListBranch()
    {
        Argument<string> repo = Required("REPO", "The repo.");
        Option<bool> raw = Raw();
        return Create("list-branch", "List the branches of a repo and their newest commits.", "", repo, raw)
            .Prints(async (parsed, client, output, cancel) =>
        {
            IReadOnlyList<BranchInfo> branches = await client.Branches.ListAsync(parsed.GetRequiredValue(repo), cancel);
            TabTable? table = parsed.GetValue(raw) ? null : new TabTable(output, "BRANCH", "HEAD");
            foreach (BranchInfo branch in branches)
            {
                if (table is null)
                {
                    RawJson.Write(output, branch);
                }
                else
                {
                    table.Add(branch.Name, branch.Head?.Id ?? "-");
                }
            }

            table?.Flush();
        });
    }

    public static Command SetBranch()
    {
        (Argument<string> repo, Argument<string> commit) = CommitCommands.RepoAndCommit();
        Argument<string> branch = Required("BRANCH", "The branch that is made or moved.");
        return Create(
            "set-branch",
            "Make or move a branch.",
            """
            Examples:
              pachctl set-branch images master release        # release is what master is now
            """,
            repo,
            commit,
            branch).Does((parsed, client, cancel) =>
                client.Branches.SetAsync(CommitCommands.Ref(parsed, repo, commit), parsed.GetRequiredValue(branch), cancel));
    }

    public static Command DeleteBranch()
    {
        Argument<string> repo = Required("REPO", "The repo.");
        Argument<string> branch = Required("BRANCH", "The branch.");
        return Create("delete-branch", "Delete a branch. Its commits stay.", "", repo, branch).Does((parsed, client, cancel) =>
            client.Branches.DeleteAsync(parsed.GetRequiredValue(repo), parsed.GetRequiredValue(branch), cancel));
    }
}
