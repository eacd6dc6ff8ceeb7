/** What a newcomer sees first. Only the first operation is live, so that the Run button needs no choice. */
export const FIRST_QUERY = `# Type an app token above, then press
# Run (Ctrl-Enter): which schools gave
# this app what, and what is missing?
query {
  viewer {
    app {
      name
      consents {
        school {
          id
          name
        }
        scopes
        missing
      }
    }
  }
}

# Then read from one of the schools.
# What it did not grant is null, and
# an error names the missing scope.
# The docs name every field's scope.
#
# query {
#   school(id: "…") {
#     students(first: 10) {
#       nodes {
#         id
#         forename
#         surname
#         educationDetails {
#           upn
#         }
#       }
#     }
#   }
# }
`;
