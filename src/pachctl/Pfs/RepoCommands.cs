using System.CommandLine;
using Google.Protobuf;
using Pachyderm.Pachctl.Output;
using Pachyderm.Pachctl.Server;
using Pachyderm.Wire.Pfs;
using static Pachyderm.Pachctl.Server.ServerCommand;

namespace Pachyderm.Pachctl.Pfs;

/// <summary>Commands on repos.</summary>
internal static class RepoCommands
{
    public static Command CreateRepo()
    {
        Argument<string> repo = Required("REPO", "Letters, digits, underscores and dashes.");
        Option<string> description = new("--description", "-d") { Description = "What the repo is for.", DefaultValueFactory = _ => "" };
        return Create(
            "create-repo",
            "Make a repo.",
            """
            Examples:
              pachctl create-repo images
              pachctl create-repo images -d "what the cameras sent"
            """,
            repo,
            description).Does((parsed, client, cancel) =>
                client.Repos.CreateAsync(parsed.GetRequiredValue(repo), parsed.GetValue(description)!, cancellationToken: cancel));
    }

    public static Command InspectRepo()
    {
        Argument<string> repo = Required("REPO", "The repo.");
        Option<bool> raw = Raw();
        return Create("inspect-repo", "Describe a repo.", "", repo, raw).Prints(async (parsed, client, output, cancel) =>
        {
            RepoInfo info = await client.Repos.InspectAsync(parsed.GetRequiredValue(repo), cancel);
            if (parsed.GetValue(raw))
            {
                RawJson.Write(output, info);
            }
            else
            {
                Details.Write(output, info, TimeProvider.System.GetUtcNow());
            }
        });
    }

    public static Command ListRepo()
    {
        Option<string[]> provenance = new("--provenance", "-p")
        {
            Description = "Only repos that were computed from this one. Repeatable; then from all of them.",
            HelpName = "REPO",
            DefaultValueFactory = _ => [],
        };
        Option<bool> raw = Raw();
        return Create("list-repo", "List repos, the one that changed last first.", "", provenance, raw)
            .Prints(async (parsed, client, output, cancel) =>
        {
            IAsyncEnumerable<RepoInfo> repos = client.Repos.ListAsync(parsed.GetValue(provenance), cancel);
            if (parsed.GetValue(raw))
            {
                await foreach (IMessage repo in repos)
                {
                    RawJson.Write(output, repo);
                }

                return;
            }

            DateTimeOffset now = TimeProvider.System.GetUtcNow();
            TabTable table = new(output, "NAME", "CREATED", "SIZE");
            await foreach (RepoInfo repo in repos)
            {
                table.Add(repo.Repo.Name, Ages.Since(repo.Created, now), Sizes.Format(repo.SizeBytes));
            }

            table.Flush();
        });
    }

    public static Command DeleteRepo()
    {
        Argument<string?> repo = Optional("REPO", "The repo.");
        Option<bool> force = new("--force", "-f") { Description = "Delete it even if other repos were computed from it." };
        Option<bool> all = new("--all") { Description = "Delete all repos." };
        Command command = Create(
            "delete-repo",
            "Delete a repo with all its commits and files.",
            """
            Examples:
              pachctl delete-repo images
              pachctl delete-repo --all
            """,
            repo,
            force,
            all);
        command.Validators.Add(result =>
        {
            bool named = result.GetValue(repo) is not null;
            if (named == result.GetValue(all))
            {
                result.AddError(
                    named ? "cannot use the --all flag with an argument" : "either a repo name or the --all flag needs to be provided");
            }
        });
        return command.Does((parsed, client, cancel) => parsed.GetValue(all)
            ? client.Repos.DeleteAllAsync(cancel)
            : client.Repos.DeleteAsync(parsed.GetValue(repo)!, parsed.GetValue(force), cancel));
    }
}
