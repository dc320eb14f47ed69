using Pachyderm.Formats;

namespace Pachyderm.Migration.Survey;

/// <summary>The parts of a commit record that matter to a survey, read in place from its wire form.</summary>
internal ref struct CommitView
{
    private const int NanosPerSecond = 1_000_000_000;

    private ReadOnlySpan<byte> _wire;

    /// <summary>Repo of the commit.</summary>
    public ReadOnlySpan<byte> Repo { get; private set; }

    /// <summary>Identifier of the commit.</summary>
    public ReadOnlySpan<byte> Id { get; private set; }

    /// <summary>Whether it has a parent.</summary>
    public bool HasParent { get; private set; }

    /// <summary>Repo of its parent.</summary>
    public ReadOnlySpan<byte> ParentRepo { get; private set; }

    /// <summary>Identifier of its parent.</summary>
    public ReadOnlySpan<byte> ParentId { get; private set; }

    /// <summary>Whether it is finished.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>Reads and checks a commit by the rules of <see cref="RecordRules.Check(in RecordKey, Formats.V1_5.CommitInfo)"/>.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="wire">Its wire form.</param>
    /// <param name="view">The parts.</param>
    /// <returns>Null, or what is wrong.</returns>
    public static string? Read(in RecordKey key, ReadOnlySpan<byte> wire, out CommitView view)
    {
        view = new CommitView { _wire = wire };
        bool timesHold = true;
        bool treeHolds = true;
        WireScanner scanner = new(wire);
        while (scanner.Next())
        {
            switch (scanner.Field)
            {
                case Formats.V1_5.CommitInfo.CommitFieldNumber:
                    view.Repo = RepoOf(scanner.Bytes);
                    view.Id = IdOf(scanner.Bytes);
                    break;
                case Formats.V1_5.CommitInfo.ParentCommitFieldNumber:
                    view.HasParent = true;
                    view.ParentRepo = RepoOf(scanner.Bytes);
                    view.ParentId = IdOf(scanner.Bytes);
                    break;
                case Formats.V1_5.CommitInfo.StartedFieldNumber:
                    timesHold &= IsTime(scanner.Bytes);
                    break;
                case Formats.V1_5.CommitInfo.FinishedFieldNumber:
                    view.IsFinished = true;
                    timesHold &= IsTime(scanner.Bytes);
                    break;
                case Formats.V1_5.CommitInfo.TreeFieldNumber:
                    treeHolds = RecordRules.IsObjectHash(FirstField(scanner.Bytes));
                    break;
            }
        }

        if (scanner.IsMalformed)
        {
            return "it is not a message on the wire";
        }

        if (!view.Repo.SequenceEqual(key.Repo) || !view.Id.SequenceEqual(key.Id))
        {
            return "its repo or id is not that of its key";
        }

        return !timesHold ? "its start or finish is not a time" : treeHolds ? null : "its tree is not the hash of an object";
    }

    /// <summary>The commits in its provenance, one for each call of <see cref="ProvenanceEnumerator.MoveNext"/>.</summary>
    public readonly ProvenanceEnumerator Provenance => new(_wire);

    /// <summary>Name of the repo of a commit reference.</summary>
    internal static ReadOnlySpan<byte> RepoOf(ReadOnlySpan<byte> commit)
    {
        WireScanner scanner = new(commit);
        while (scanner.Next())
        {
            if (scanner.Field == Formats.V1_5.Commit.RepoFieldNumber)
            {
                return FirstField(scanner.Bytes);
            }
        }

        return default;
    }

    /// <summary>Identifier of a commit reference.</summary>
    internal static ReadOnlySpan<byte> IdOf(ReadOnlySpan<byte> commit)
    {
        WireScanner scanner = new(commit);
        while (scanner.Next())
        {
            if (scanner.Field == Formats.V1_5.Commit.IdFieldNumber)
            {
                return scanner.Bytes;
            }
        }

        return default;
    }

    /// <summary>Content of field 1 of a message that has no other: a repo, an object, a pipeline, a job.</summary>
    internal static ReadOnlySpan<byte> FirstField(ReadOnlySpan<byte> message)
    {
        WireScanner scanner = new(message);
        return scanner.Next() && scanner.Field == 1 ? scanner.Bytes : default;
    }

    /// <summary>Whether a timestamp is one.</summary>
    internal static bool IsTime(ReadOnlySpan<byte> timestamp)
    {
        WireScanner scanner = new(timestamp);
        while (scanner.Next())
        {
            if (scanner.Field == Google.Protobuf.WellKnownTypes.Timestamp.NanosFieldNumber && scanner.Varint >= NanosPerSecond)
            {
                return false;
            }
        }

        return !scanner.IsMalformed;
    }

    /// <summary>Goes through a commit's provenance.</summary>
    internal ref struct ProvenanceEnumerator(ReadOnlySpan<byte> wire)
    {
        private WireScanner _scanner = new(wire);

        /// <summary>Repo of the current commit.</summary>
        public ReadOnlySpan<byte> Repo { get; private set; }

        /// <summary>Identifier of the current commit.</summary>
        public ReadOnlySpan<byte> Id { get; private set; }

        /// <summary>Goes to the next commit.</summary>
        public bool MoveNext()
        {
            while (_scanner.Next())
            {
                if (_scanner.Field == Formats.V1_5.CommitInfo.ProvenanceFieldNumber)
                {
                    Repo = RepoOf(_scanner.Bytes);
                    Id = IdOf(_scanner.Bytes);
                    return true;
                }
            }

            return false;
        }
    }
}
