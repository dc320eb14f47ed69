using System.Text.Json.Nodes;
using CsCheck;

namespace Pachyderm.Migration.SpecConversion.Tests;

/// <summary>Texts of one to three specs whose field names are real and whose values are often of the wrong kind.</summary>
internal static class RandomSpec
{
    private static readonly Gen<string> Scalars = Gen.OneOf(
        "null", "true", "false", "0", "1", "2.5", "\"\"", "\"map\"", "\"reduce\"", "\"global\"", "\"out\"", "\"prev\"", "\"a\"",
        "\"daily/3\"",
        "\"BLOCK\"", "\"FILE\"", "\"REPO\"", "\"DIFF\"", "\"FULL\"", "\"CONSTANT\"", "\"COEFFICIENT\"", "\"/*\"", "\"0\"", "{}", "[]");

    private static readonly Gen<string> Repo = Gen.OneOf(Object(0, 2, ("name", Scalars), ("colour", Scalars)), Scalars);

    private static readonly Gen<string> Method =
        Gen.OneOf(Object(0, 2, ("partition", Scalars), ("incremental", Scalars), ("size", Scalars)), Scalars);

    private static readonly Gen<string> From = Gen.OneOf(Object(0, 2, ("repo", Repo), ("id", Scalars)), Scalars);

    private static readonly Gen<string> Input = Gen.OneOf(
        Object(
            0, 6, ("repo", Repo), ("name", Scalars), ("branch", Scalars), ("glob", Scalars), ("method", Method), ("run_empty", Scalars),
            ("runEmpty", Scalars), ("lazy", Scalars), ("from", From), ("from_commit", Scalars), ("weight", Scalars)),
        Scalars);

    private static readonly Gen<string> Parallelism = Gen.OneOf(
        Object(0, 3, ("strategy", Scalars), ("constant", Scalars), ("coefficient", Scalars), ("nodes", Scalars)), Scalars);

    private static readonly Gen<string> Spec = Object(
        0,
        9,
        ("pipeline", Repo),
        ("transform", Gen.OneOf(Object(0, 2, ("cmd", Array(Scalars)), ("overwrite", Scalars), ("x", Scalars)), Scalars)),
        ("parallelism_spec", Parallelism),
        ("parallelismSpec", Parallelism),
        ("inputs", Gen.OneOf(Array(Input), Array(Input), Scalars)),
        ("input", Gen.OneOf(Object(1, 1, ("atom", Input), ("cross", Array(Input)), ("union", Array(Input))), Scalars)),
        ("output", Scalars),
        ("egress", Scalars),
        ("gc_policy", Scalars),
        ("gcPolicy", Scalars),
        ("resources", Scalars),
        ("resource_spec", Scalars),
        ("resourceSpec", Scalars),
        ("no_archive", Scalars),
        ("update", Scalars),
        ("colour", Scalars));

    public static Gen<string> Texts => Spec.Array[1, 3].Select(static specs => string.Join("\n", specs));

    private static Gen<string> Array(Gen<string> item) => item.Array[0, 3].Select(static items => $"[{string.Join(",", items)}]");

    private static Gen<string> Object(int fewest, int most, params (string Name, Gen<string> Value)[] fields) =>
        Gen.Int[0, fields.Length - 1]
            .SelectMany(index => fields[index].Value.Select(value => (fields[index].Name, Value: value)))
            .Array[fewest, most]
            .Select(static chosen =>
            {
                var result = new JsonObject();
                foreach (var (name, value) in chosen)
                {
                    result[name] = JsonNode.Parse(value);
                }

                return result.ToJsonString();
            });
}
