using Google.Protobuf;
using Google.Protobuf.Collections;
using Pachyderm.Formats.V1_5;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>
/// Folds the <c>inputs</c> lists of releases up to 1.4.5 into the <c>input</c> tree that 1.5 workers read, as 1.5's server does when it
/// shows such a record: always a cross, even of one, its children sorted by name.
/// </summary>
internal static class InputFolding
{
    private static readonly ByteString DefaultBranch = ByteString.CopyFromUtf8("master");

    /// <summary>Folds the inputs of a pipeline.</summary>
    public static Input FoldPipeline(RepeatedField<PipelineInput> inputs) => Cross(inputs.Select(input => new AtomInput
    {
        Name = Or(input.Name, input.Repo?.Name ?? ByteString.Empty),
        Repo = input.Repo?.Name ?? ByteString.Empty,
        Branch = Or(input.Branch, DefaultBranch),
        Glob = input.Glob,
        Lazy = input.Lazy,
        FromCommit = input.From?.Id ?? ByteString.Empty,
    }));

    /// <summary>
    /// Folds the inputs of a job. A worker looks a job up by the text of its pipeline's input with the commits filled in, so
    /// the branch, which such a job did not store, is that of the pipeline's input of the same name.
    /// </summary>
    public static Input FoldJob(RepeatedField<JobInput> inputs, Input? pipelineInput)
    {
        AtomInput[] known = pipelineInput is null ? [] : [.. Atoms(pipelineInput)];
        return Cross(inputs.Select(input =>
        {
            ByteString repo = input.Commit?.Repo?.Name ?? ByteString.Empty;
            ByteString name = Or(input.Name, repo);
            AtomInput? match = known.FirstOrDefault(atom => atom.Name.Equals(name) && atom.Repo.Equals(repo));
            return new AtomInput
            {
                Name = name,
                Repo = repo,
                Branch = match?.Branch ?? DefaultBranch,
                Commit = input.Commit?.Id ?? ByteString.Empty,
                Glob = input.Glob,
                Lazy = input.Lazy,
            };
        }));
    }

    /// <summary>All atoms of an input tree.</summary>
    public static IEnumerable<AtomInput> Atoms(Input input)
    {
        if (input.Atom is not null)
        {
            yield return input.Atom;
        }

        foreach (AtomInput atom in input.Cross.Concat(input.Union).SelectMany(Atoms))
        {
            yield return atom;
        }
    }

    private static Input Cross(IEnumerable<AtomInput> atoms)
    {
        Input cross = new();
        cross.Cross.AddRange(atoms.OrderBy(atom => atom.Name, ByteStringOrder.Instance).Select(atom => new Input { Atom = atom }));
        return cross;
    }

    private static ByteString Or(ByteString value, ByteString fallback) => value.IsEmpty ? fallback : value;

    private sealed class ByteStringOrder : IComparer<ByteString>
    {
        public static ByteStringOrder Instance { get; } = new();

        public int Compare(ByteString? x, ByteString? y) => (x ?? ByteString.Empty).Span.SequenceCompareTo((y ?? ByteString.Empty).Span);
    }
}
