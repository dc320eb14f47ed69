using Google.Protobuf;
using Google.Protobuf.Collections;
using Pachyderm.Formats;
using Pachyderm.Formats.V1_5;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>
/// The datums of an input tree over given commits, numbered as upstream numbers them (spec/pps.md section 2): a union is its children's
/// datums one after the other, and of a cross the first child varies fastest. Nothing is multiplied out: memory is that of the lists
/// of the leaves, whatever the product is.
/// </summary>
internal abstract class DatumSet
{
    /// <summary>Number of datums; <see cref="long.MaxValue"/> if there are more than that.</summary>
    public abstract long Count { get; }

    /// <summary>Builds the datums of an input.</summary>
    /// <param name="input">The input tree.</param>
    /// <param name="files">The matching files of each leaf, in the order of a walk through the tree.</param>
    public static DatumSet Build(Input input, IReadOnlyList<IReadOnlyList<DatumFile>> files)
    {
        int next = 0;
        return Build(input, files, ref next);
    }

    /// <summary>Adds the files of a datum.</summary>
    /// <param name="index">Number of the datum, from 0.</param>
    /// <param name="sorted">
    /// Whether the files come in the order of the sorted input, as the releases hash them that sort inputs when they store them; else
    /// in the order of the stored one.
    /// </param>
    /// <param name="files">Receives the files.</param>
    public abstract void Fill(long index, bool sorted, List<DatumFile> files);

    /// <summary>Whether both orders of the files are the same for all datums.</summary>
    public abstract bool IsSorted { get; }

    private static DatumSet Build(Input input, IReadOnlyList<IReadOnlyList<DatumFile>> files, ref int next)
    {
        if (InputLeaf.Of(input) is not null)
        {
            return new Leaf(files[next++]);
        }

        bool isCross = input.Cross.Count > 0;
        var inputs = isCross ? input.Cross : input.Union;
        DatumSet[] children = new DatumSet[inputs.Count];
        for (int i = 0; i < children.Length; i++)
        {
            children[i] = Build(inputs[i], files, ref next);
        }

        return isCross ? new Cross(children, SortedOrder(inputs)) : new Union(children);
    }

    private static int[] SortedOrder(RepeatedField<Input> inputs) =>
        [.. Enumerable.Range(0, inputs.Count).OrderBy(i => SortName(inputs[i]), NameOrder.Instance)];

    // What upstream sorts by. The children are sorted first, so it is the least name that leads down to an atom.
    private static ByteString SortName(Input input)
    {
        if (input.Atom is { } atom)
        {
            return atom.Name;
        }

        var children = input.Cross.Count > 0 ? input.Cross : input.Union;
        return children.Select(SortName).Order(NameOrder.Instance).FirstOrDefault() ?? ByteString.Empty;
    }

    private sealed class NameOrder : IComparer<ByteString>
    {
        public static NameOrder Instance { get; } = new();

        public int Compare(ByteString? x, ByteString? y) => (x ?? ByteString.Empty).Span.SequenceCompareTo((y ?? ByteString.Empty).Span);
    }

    private sealed class Leaf(IReadOnlyList<DatumFile> matches) : DatumSet
    {
        public override long Count => matches.Count;

        public override bool IsSorted => true;

        public override void Fill(long index, bool sorted, List<DatumFile> files) => files.Add(matches[(int)index]);
    }

    private sealed class Union : DatumSet
    {
        private readonly DatumSet[] _children;

        public Union(DatumSet[] children)
        {
            _children = children;
            UInt128 count = children.Aggregate(UInt128.Zero, (sum, child) => sum + (UInt128)child.Count);
            Count = count > long.MaxValue ? long.MaxValue : (long)count;
            IsSorted = Array.TrueForAll(children, child => child.IsSorted);
        }

        public override long Count { get; }

        public override bool IsSorted { get; }

        public override void Fill(long index, bool sorted, List<DatumFile> files)
        {
            int child = 0;
            for (; index >= _children[child].Count; child++)
            {
                index -= _children[child].Count;
            }

            _children[child].Fill(index, sorted, files);
        }
    }

    private sealed class Cross : DatumSet
    {
        private readonly DatumSet[] _children;
        private readonly int[] _sortedOrder;
        private readonly long[] _strides;

        public Cross(DatumSet[] children, int[] sortedOrder)
        {
            _children = children;
            _sortedOrder = sortedOrder;
            _strides = new long[children.Length];
            IsSorted = Array.TrueForAll(children, child => child.IsSorted)
                && sortedOrder.SequenceEqual(Enumerable.Range(0, children.Length));
            UInt128 count = 1;
            for (int i = 0; i < children.Length; i++)
            {
                _strides[i] = (long)count;
                count *= (UInt128)children[i].Count;
                count = count > long.MaxValue ? long.MaxValue : count;
            }

            // One empty child empties the product, however large that of the others is.
            Count = Array.Exists(children, child => child.Count == 0) ? 0 : (long)count;
        }

        public override long Count { get; }

        public override bool IsSorted { get; }

        public override void Fill(long index, bool sorted, List<DatumFile> files)
        {
            for (int i = 0; i < _children.Length; i++)
            {
                int child = sorted ? _sortedOrder[i] : i;
                _children[child].Fill(index / _strides[child] % _children[child].Count, sorted, files);
            }
        }
    }
}
