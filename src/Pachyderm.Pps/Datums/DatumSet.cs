using System.Collections;
using System.Globalization;
using Pachyderm.Pps.Specs;

namespace Pachyderm.Pps.Datums;

/// <summary>
/// The datums of a job: computed from the lists of its atoms when they are asked for, never held. A cross of two lists of a thousand files
/// is two lists, not a million datums. Of a cross the first child varies fastest; if a child has no datums, there are none; a union has
/// those of one child after the other (spec/pps.md section 2). Safe for concurrent use.
/// </summary>
public sealed class DatumSet : IReadOnlyList<Datum>
{
    /// <summary>A job with more datums is refused.</summary>
    public const int MaxDatums = int.MaxValue - 1;

    private readonly Node root;

    private DatumSet(Node root) => this.root = root;

    /// <summary>Number of datums.</summary>
    public int Count => root.Count;

    /// <summary>Largest number of files of a datum.</summary>
    public int MaxParts => root.MaxParts;

    /// <summary>The only input with its files, in order of their paths; null if there are several.</summary>
    internal (DatumInput Input, DatumFileList Files)? OnlyInput => root is LeafNode leaf ? (leaf.Input, leaf.Files) : null;

    /// <summary>The datum at a place.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is none.</exception>
    public Datum this[int index]
    {
        get
        {
            DatumPart[] parts = new DatumPart[MaxParts];
            int count = GetParts(index, parts);
            return new Datum(index, parts.AsSpan(0, count).ToArray().ToValueList());
        }
    }

    /// <summary>Lists the files of every atom and cron, each commit and glob once.</summary>
    /// <param name="input">The input of a job.</param>
    /// <param name="source">The repos.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="PpsException">There are too many datums.</exception>
    public static async Task<DatumSet> OpenAsync(Input input, IDatumSource source, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(source);
        Dictionary<(CommitRef Commit, string Glob), DatumFileList> lists = [];
        foreach (Input leaf in input.Leaves())
        {
            DatumInput from = DatumInput.Of(leaf);
            if (!lists.ContainsKey((from.Commit, from.Glob)))
            {
                lists.Add((from.Commit, from.Glob), await DatumFileList.LoadAsync(source, from.Commit, from.Glob, cancellationToken));
            }
        }
        return new DatumSet(Build(input, lists));
    }

    /// <summary>Writes the files of a datum without allocating.</summary>
    /// <param name="index">The place of the datum.</param>
    /// <param name="parts">At least <see cref="MaxParts"/> long.</param>
    /// <returns>Number of files.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such datum.</exception>
    public int GetParts(int index, Span<DatumPart> parts)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        int written = 0;
        root.Write(index, parts, ref written);
        return written;
    }

    /// <inheritdoc/>
    public IEnumerator<Datum> GetEnumerator()
    {
        for (int i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal static PpsException TooMany() => new(
        PpsErrorKind.FailedPrecondition, string.Create(CultureInfo.InvariantCulture, $"the input has more than {MaxDatums} datums"));

    private static Node Build(Input input, Dictionary<(CommitRef Commit, string Glob), DatumFileList> lists)
    {
        switch (input)
        {
            case CrossInput cross:
                return new CrossNode([.. cross.Inputs.Select(child => Build(child, lists))]);
            case UnionInput union:
                return new UnionNode([.. union.Inputs.Select(child => Build(child, lists))]);
            default:
                DatumInput from = DatumInput.Of(input);
                return new LeafNode(from, lists[(from.Commit, from.Glob)]);
        }
    }

    private abstract class Node(long count, int maxParts)
    {
        public int Count { get; } = count <= MaxDatums ? (int)count : throw TooMany();

        public int MaxParts { get; } = maxParts;

        public abstract void Write(int index, Span<DatumPart> parts, ref int written);
    }

    private sealed class LeafNode(DatumInput input, DatumFileList files) : Node(files.Count, 1)
    {
        public DatumInput Input { get; } = input;

        public DatumFileList Files { get; } = files;

        public override void Write(int index, Span<DatumPart> parts, ref int written) =>
            parts[written++] = new DatumPart(Input, Files[index]);
    }

    private sealed class CrossNode(Node[] children) : Node(Product(children), children.Sum(static child => child.MaxParts))
    {
        public override void Write(int index, Span<DatumPart> parts, ref int written)
        {
            foreach (Node child in children)
            {
                (index, int own) = Math.DivRem(index, child.Count);
                child.Write(own, parts, ref written);
            }
        }

        // Stops as soon as it is too large, but not before it is known that no child is empty.
        private static long Product(Node[] children) => Array.Exists(children, static child => child.Count == 0)
            ? 0
            : children.Aggregate(1L, static (product, child) => product > MaxDatums ? product : product * child.Count);
    }

    private sealed class UnionNode : Node
    {
        private readonly Node[] children;
        private readonly int[] starts;

        public UnionNode(Node[] children)
            : base(children.Sum(static child => (long)child.Count), children.Max(static child => child.MaxParts))
        {
            this.children = [.. children.Where(static child => child.Count > 0)];
            starts = new int[this.children.Length];
            for (int i = 1; i < starts.Length; i++)
            {
                starts[i] = starts[i - 1] + this.children[i - 1].Count;
            }
        }

        public override void Write(int index, Span<DatumPart> parts, ref int written)
        {
            int found = Array.BinarySearch(starts, index);
            int child = found >= 0 ? found : ~found - 1;
            children[child].Write(index - starts[child], parts, ref written);
        }
    }
}
