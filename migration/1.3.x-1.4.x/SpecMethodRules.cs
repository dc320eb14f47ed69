using System.Text.Json.Nodes;

namespace Pachyderm.Migration.Specs;

/// <summary>What a 1.3 method, that is a partition with an incrementality, is as a 1.4 glob.</summary>
internal static class SpecMethodRules
{
    /// <summary>The glob for a method.</summary>
    /// <param name="draft">Takes the findings.</param>
    /// <param name="path">Where the method is or would be.</param>
    /// <param name="method">A method's name, or an object with partition and incremental; null stands for <c>map</c>.</param>
    /// <returns>The glob; null when the method is none of 1.3, which is reported as a finding.</returns>
    public static string? ToGlob(SpecDraft draft, string path, JsonNode? method)
    {
        var (partition, incremental) = method switch
        {
            null => ("BLOCK", "DIFF"),
            JsonObject parts => ReadParts(draft, path, parts),
            _ => SpecDraft.Text(method) switch
            {
                "map" => ("BLOCK", "DIFF"),
                "reduce" => ("FILE", "NONE"),
                "incremental_reduce" => ("FILE", "DIFF"),
                "global" => ("REPO", "NONE"),
                _ => (null, null),
            },
        };
        var glob = partition switch
        {
            "BLOCK" => "/*/*",
            "FILE" => "/*",
            "REPO" => "/",
            _ => null,
        };
        if (glob is null)
        {
            draft.Decide(
                path,
                "the method is none of map, reduce, incremental_reduce and global, nor has it a partition of BLOCK, FILE or REPO; set "
                + "glob, which was left out");
            return null;
        }

        TellOfPartition(draft, path, partition!);
        TellOfIncremental(draft, path, partition!, incremental);
        return glob;
    }

    private static (string? Partition, string? Incremental) ReadParts(SpecDraft draft, string path, JsonObject parts)
    {
        foreach (var (name, value) in parts)
        {
            if (!SpecDraft.IsOneOf(name, "partition", "incremental"))
            {
                draft.Warn(
                    JsonText.Member(path, name),
                    $"the field is unknown; its value {JsonText.Compact(value)} was dropped with the method");
            }
        }

        var incremental = SpecDraft.Value(parts, "incremental");
        var incrementalName = incremental is null ? null : SpecDraft.Text(incremental) ?? incremental.ToJsonString();
        if (SpecDraft.Value(parts, "partition") is { } partition)
        {
            return (SpecDraft.Text(partition), incrementalName);
        }

        draft.Warn(path, "the method names no partition; BLOCK was taken, which is what the default method uses");
        return ("BLOCK", incrementalName);
    }

    private static void TellOfPartition(SpecDraft draft, string path, string partition)
    {
        if (partition is "BLOCK")
        {
            draft.Decide(
                path,
                "a file was divided into blocks; put the data again with put-file --split line (or json), which makes a directory of each "
                + "file, and add one more /* to the glob for each directory level above the files");
        }
        else if (partition is "FILE")
        {
            draft.Warn(
                path,
                "each file was processed by itself; the glob /* does that for files at the top: add one more /* for each directory "
                + "level above them");
        }
    }

    private static void TellOfIncremental(SpecDraft draft, string path, string partition, string? incremental)
    {
        switch (incremental)
        {
            case null or "NONE":
                break;
            case "DIFF" when partition is "BLOCK":
                draft.Note(
                    path,
                    "only new blocks were processed (DIFF); since 1.4 every pipeline skips the datums that it has processed, and keeps "
                    + "their output");
                break;
            case "DIFF":
                draft.Decide(
                    path,
                    "the code saw only what was new (DIFF); since 1.4 it sees each changed datum whole and unchanged ones not at all. "
                    + "Code that adds to its previous output needs \"incremental\": true (1.4.8 and later): /pfs/out "
                    + "then starts with that output");
                break;
            case "FULL":
                draft.Decide(
                    path,
                    "the code saw all data whenever some was new (FULL); since 1.4 a glob that puts it in one datum (\"/\") gives that, "
                    + "and otherwise only changed datums are processed: choose the glob accordingly");
                break;
            default:
                draft.Decide(
                    path,
                    $"incremental {JsonText.Quote(incremental)} is none of NONE, DIFF and FULL; check what the code expects to see");
                break;
        }
    }
}
