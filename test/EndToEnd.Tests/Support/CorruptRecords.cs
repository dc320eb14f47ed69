using System.Globalization;
using System.Text.RegularExpressions;
using Pachyderm.RecordStores;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.EndToEnd.Tests.Support;

/// <summary>
/// Records of 1.4 with every field of every kind damaged in every way. Each is a copy of a genuine record under a name of its own, with one
/// fault; nothing refers to the copies, so whatever else the cluster holds must come out as if they were not there.
/// </summary>
public static partial class CorruptRecords
{
    private static readonly (string Prefix, string Name)[] Kinds =
    [
        // Where the records of a kind are, and what in the text says which record it is.
        ("pachyderm_pfs/repos/", "^repo:<name:\"(?<name>[^\"]*)\""),
        ("pachyderm_pfs/commits/", "^commit:<repo:<name:\"[^\"]*\" > id:\"(?<name>[^\"]*)\""),
        ("pachyderm_pfs/branches/", ""),
        ("pachyderm_pps/pipelines/", "pipeline:<name:\"(?<name>[^\"]*)\""),
        ("pachyderm_pps/jobs/", "^job:<id:\"(?<name>[^\"]*)\""),
    ];

    /// <summary>Copies of records without any fault, to show that the copies as such are none.</summary>
    public static IReadOnlyDictionary<string, string> Sound(StoreState state) => Make(state, damaged: false);

    /// <summary>The damaged records by key, one character a byte.</summary>
    public static IReadOnlyDictionary<string, string> Damaged(StoreState state) => Make(state, damaged: true);

    /// <summary>Writes a snapshot that holds more records.</summary>
    public static async Task AddAsync(string source, string output, IReadOnlyDictionary<string, string> records)
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        using EtcdSnapshotFile file = await EtcdSnapshotFile.OpenAsync(source, SnapshotIntegrity.VerifyHash, cancellationToken);
        await SnapshotRewriter.RewriteAsync(
            file,
            output,
            _ => RecordRewrite.Keep,
            () => records.Select(record => RecordWrite.Put(StoreState.Bytes(record.Key), StoreState.Bytes(record.Value))).ToAsyncEnumerable(),
            null,
            cancellationToken);
    }

    private static Dictionary<string, string> Make(StoreState state, bool damaged)
    {
        Dictionary<string, string> copies = new(StringComparer.Ordinal);
        foreach ((string prefix, string namePattern) in Kinds)
        {
            HashSet<string> seen = new(StringComparer.Ordinal);
            foreach ((string key, StoredRecord record) in state.Records
                .Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal) && !pair.Key.Contains("__index_", StringComparison.Ordinal))
                .OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                string text = StoreState.Text(record.Value);
                foreach ((string path, string fault, _) in Faults(text))
                {
                    if (seen.Add(damaged ? $"{path} {fault}" : path))
                    {
                        // The copy has to be the record that its key says, or that alone would be its fault.
                        string name = string.Create(CultureInfo.InvariantCulture, $"corrupt{copies.Count:D25}");
                        string copy = namePattern.Length == 0 ? text : Rename(text, namePattern, name);
                        copies.Add(
                            key[..(key.LastIndexOf('/') + 1)] + name,
                            damaged ? Faults(copy).First(made => made.Path == path && made.Fault == fault).Damage(copy) : copy);
                    }
                }
            }
        }

        return copies;
    }

    private static string Rename(string text, string pattern, string name)
    {
        Group found = Regex.Match(text, pattern, RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)).Groups["name"];
        return found.Success ? text[..found.Index] + name + text[(found.Index + found.Length)..] : text;
    }

    /// <summary>Every field of a text with every fault that it can have: path of the field, name of the fault, and how to make it.</summary>
    private static IEnumerable<(string Path, string Fault, Func<string, string> Damage)> Faults(string text)
    {
        List<string> path = [];
        foreach (Match token in Tokens().Matches(text))
        {
            if (token.Value == ">")
            {
                path.RemoveAt(path.Count - 1);
                continue;
            }

            string field = token.Groups["field"].Value;
            Group value = token.Groups["value"];
            string here = string.Join('.', path.Append(field));
            yield return (here, "unknown field", whole => whole[..token.Index] + "no_such_field" + whole[(token.Index + field.Length)..]);
            if (value.Value == "<")
            {
                yield return (here, "text for a message", whole => whole[..value.Index] + "\"garbage\" <" + whole[(value.Index + 1)..]);
                yield return (here, "cut", whole => whole[..(value.Index + 1)]);
                path.Add(field);
                continue;
            }

            yield return (here, "garbage", whole => whole[..value.Index] + "@garbage@" + whole[(value.Index + value.Length)..]);
            yield return (here, "message for a value", whole => whole[..value.Index] + "<a:1 >" + whole[(value.Index + value.Length)..]);
            yield return (here, "cut", whole => whole[..value.Index]);
            if (value.Value[0] == '"')
            {
                yield return (here, "bad escape", whole => whole[..(value.Index + 1)] + "\\q" + whole[(value.Index + 1)..]);
                yield return (here, "open string", whole => whole[..(value.Index + value.Length - 1)]);
                yield return (here, "number for text", whole => whole[..value.Index] + "17" + whole[(value.Index + value.Length)..]);
            }
            else
            {
                yield return (here, "wrong name", whole => whole[..value.Index] + "NO_SUCH_VALUE" + whole[(value.Index + value.Length)..]);
                if (field is not ("cpu" or "coefficient"))
                {
                    // Those are floating-point numbers.
                    yield return (here, "too large", whole => whole[..value.Index] + "99999999999999999999999" + whole[(value.Index + value.Length)..]);
                }

                yield return (here, "text for a number", whole => whole[..value.Index] + "\"1\"" + whole[(value.Index + value.Length)..]);
            }
        }
    }

    [GeneratedRegex("""(?<field>[A-Za-z_0-9]+):(?<value><|"(?:[^"\\]|\\.)*"|[^\s<>"]+)|>""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Tokens();
}
