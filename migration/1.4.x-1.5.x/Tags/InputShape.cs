using Google.Protobuf;
using Pachyderm.Formats.V1_5;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>
/// An input tree without its commits. Nearly all jobs of a pipeline share one, so that a job is remembered by its commits alone.
/// </summary>
internal sealed class InputShape
{
    private InputShape(Input input, ByteString key, IReadOnlyList<InputLeaf> leaves)
    {
        Input = input;
        Key = key;
        Leaves = leaves;
    }

    /// <summary>The tree, its children in the order in which they are stored, all commits empty.</summary>
    public Input Input { get; }

    /// <summary>Tells shapes apart.</summary>
    public ByteString Key { get; }

    /// <summary>The inputs that name a repo, in the order of a walk through the tree.</summary>
    public IReadOnlyList<InputLeaf> Leaves { get; }

    /// <summary>Takes the commits out of an input.</summary>
    /// <param name="input">The input of a job or of a pipeline. It is not changed.</param>
    /// <param name="commits">The commits that it names, in the order of <see cref="Leaves"/>; empty ones for a pipeline.</param>
    public static InputShape Of(Input input, out IReadOnlyList<ByteString> commits)
    {
        Input stripped = input.Clone();
        List<ByteString> taken = [];
        List<InputLeaf> leaves = [];
        Strip(stripped, leaves, taken);
        commits = taken;
        return new InputShape(stripped, stripped.ToByteString(), leaves);
    }

    private static void Strip(Input input, List<InputLeaf> leaves, List<ByteString> commits)
    {
        if (InputLeaf.Of(input) is { } leaf)
        {
            leaves.Add(leaf);
            commits.Add(input.Atom?.Commit ?? input.Cron.Commit);
            if (input.Atom is { } atom)
            {
                atom.Commit = ByteString.Empty;
            }
            else
            {
                input.Cron.Commit = ByteString.Empty;
            }

            return;
        }

        foreach (Input child in input.Cross.Count > 0 ? input.Cross : input.Union)
        {
            Strip(child, leaves, commits);
        }
    }
}

/// <summary>An input that takes its datums from a repo.</summary>
/// <param name="Name">Its name, which is part of a datum's tag.</param>
/// <param name="Repo">The repo.</param>
/// <param name="Branch">The branch that the pipeline follows.</param>
/// <param name="Glob">Which paths are datums.</param>
internal sealed record InputLeaf(ByteString Name, ByteString Repo, ByteString Branch, string Glob)
{
    private static readonly ByteString DefaultBranch = ByteString.CopyFromUtf8("master");

    /// <summary>The leaf that an input is; null for a cross, a union or nothing at all.</summary>
    public static InputLeaf? Of(Input input) => input switch
    {
        { Atom: { } atom } =>
            new InputLeaf(atom.Name, atom.Repo, atom.Branch.IsEmpty ? DefaultBranch : atom.Branch, atom.Glob.ToStringUtf8()),

        // A cron input is an atom over the one file that its ticks write.
        { Cron: { } cron } => new InputLeaf(cron.Name, cron.Repo, DefaultBranch, "time"),
        _ => null,
    };
}
