using System.Security.Cryptography;
using Pachyderm.Client;
using Pachyderm.Wire.Pfs;
using Pachyderm.Wire.Pps;

namespace Pachyderm.EndToEnd.Tests.Support;

/// <summary>What a cluster answers to whoever asks for everything: for comparing two.</summary>
public static class ClusterAnswers
{
    /// <summary>All answers, a line each, in the order of the lists that the cluster gives.</summary>
    public static async Task<IReadOnlyList<string>> ReadAsync(string address, CancellationToken cancellationToken)
    {
        await using PachClient client = new(address);
        List<string> answers = [];
        await foreach (RepoInfo repo in client.Repos.ListAsync(cancellationToken: cancellationToken))
        {
            answers.Add($"repo {repo}");
            string name = repo.Repo.Name;
            answers.AddRange((await client.Branches.ListAsync(name, cancellationToken)).Select(branch => $"branch {name} {branch}"));
            await foreach (CommitInfo commit in client.Commits.ListAsync(name, cancellationToken: cancellationToken))
            {
                answers.Add($"commit {commit}");
                if (commit.Finished is not null)
                {
                    answers.AddRange(await ReadFilesAsync(client, CommitRef.From(commit.Commit), cancellationToken));
                }
            }
        }

        foreach (PipelineInfo pipeline in await client.Pipelines.ListAsync(cancellationToken))
        {
            answers.Add($"pipeline {pipeline}");
        }

        await foreach (JobInfo job in client.Jobs.ListAsync(cancellationToken: cancellationToken))
        {
            job.WorkerStatus.Clear();
            answers.Add($"job {job}");
            await foreach (DatumInfo datum in client.Jobs.ListDatumsAsync(job.Job.Id, cancellationToken))
            {
                answers.Add($"datum {datum}");
            }
        }

        await foreach (var tag in client.Objects.ListTagsAsync(withObjects: true, cancellationToken: cancellationToken))
        {
            answers.Add($"tag {tag}");
        }

        return answers;
    }

    /// <summary>Every file of a commit with its size, its hash, and the SHA-256 of what was read.</summary>
    public static async Task<IReadOnlyList<string>> ReadFilesAsync(PachClient client, CommitRef commit, CancellationToken cancellationToken)
    {
        List<string> answers = [];
        await foreach (Wire.Pfs.FileInfo file in client.Files.ListAsync(commit, "/", recursive: true, cancellationToken: cancellationToken))
        {
            string content = "";
            if (file.FileType == FileType.File)
            {
                using MemoryStream bytes = new();
                await client.Files.GetAsync(commit, file.File.Path, bytes, cancellationToken: cancellationToken);
                content = Convert.ToHexStringLower(SHA256.HashData(bytes.GetBuffer().AsSpan(0, (int)bytes.Length)));
            }

            answers.Add($"file {file} {content}");
        }

        return answers;
    }
}
