//! The list of cases.

/// Runs every case against a harness, each as a test of its own with a database of its own. The crate needs `tokio` with `macros` and
/// `rt-multi-thread`.
#[macro_export]
macro_rules! store_contract {
    ($harness:ident) => {
        $crate::cases! {
            $harness;
            catalog {
                an_empty_store_has_an_empty_catalog
                a_catalog_that_is_still_known_is_not_sent_again
                a_type_comes_back_whole
                a_type_change_must_be_seen_by_the_next_call_on_any_handle_of_the_same_store
                a_changed_type_takes_the_place_of_the_earlier_one
                a_removed_type_is_gone_and_its_name_is_free
                a_type_with_entities_is_not_removed
                a_type_change_decided_under_an_older_catalog_is_refused
                a_type_change_must_write_its_change_log_row_in_the_same_transaction
                a_dropped_field_with_values_is_refused_when_it_must_be_unused
                a_change_set_of_nothing_is_applied
            }
            types {
                a_field_becomes_required_when_every_entity_has_it
                the_rules_of_a_field_narrow_when_every_value_keeps_them
                a_field_changes_its_kind_only_without_values
                a_link_becomes_required_when_every_entity_has_it
                a_link_to_many_becomes_one_to_one_when_none_has_more
                a_link_leads_to_fewer_types_when_no_target_is_of_another
                entities_keep_the_type_version_under_which_they_were_written
                a_write_never_happens_under_a_stale_type
                a_key_added_beside_writers_holds_for_every_entity
                of_two_type_changes_at_once_one_is_refused
            }
            commit {
                an_entity_comes_back_whole
                an_update_replaces_the_whole_entity
                a_deleted_entity_is_gone
                a_change_set_may_make_a_ring_of_entities
                an_id_goes_on_counting_after_a_deletion
                as_many_operations_as_are_allowed_are_applied_at_once
                more_operations_than_allowed_are_refused
                a_change_set_that_is_none_is_refused_and_not_applied_in_part
                keys_can_be_swapped
                a_key_given_up_can_be_claimed_in_the_same_change_set
            }
            conflicts {
                a_taken_id_is_refused
                an_update_of_another_version_is_refused
                an_update_or_deletion_of_what_is_gone_is_refused
                a_deletion_of_another_version_is_refused
                a_link_to_what_is_absent_is_refused
                a_link_to_what_is_outside_the_scope_is_refused_as_absent
                a_link_that_was_there_before_needs_no_readable_target
                a_link_to_another_type_is_refused
                a_link_to_any_type_takes_every_target
                a_link_to_what_the_same_change_set_deletes_is_refused
                a_taken_key_is_refused
                a_taken_key_of_several_parts_is_refused
                what_is_still_linked_is_not_deleted
                a_holder_unlinked_or_deleted_in_the_same_change_set_is_not_in_the_way
                it_must_not_apply_under_a_type_version_other_than_the_sets
                a_change_set_of_an_unknown_type_is_refused
            }
            links {
                link_rows_and_the_holders_copies_agree_through_every_change
                holders_come_in_order_of_target_holder_and_link
                it_must_return_holders_outside_every_scope_too
                incoming_links_are_counted_inside_the_scope
                an_entity_may_link_to_itself
                a_link_holds_as_many_targets_as_are_allowed
                a_removed_links_rows_go_and_the_copies_stay
            }
            keys {
                an_entity_is_found_by_its_key
                an_entity_outside_the_scope_is_not_found_by_its_key
                key_values_differ_in_every_byte
                an_entity_that_lacks_a_part_takes_no_part_in_a_key
                a_key_given_up_finds_nothing
                a_key_added_to_a_filled_type_finds_its_entities
                a_key_with_repeated_values_is_not_added
                a_dropped_keys_values_are_free
            }
            find {
                empty_and_is_true_and_empty_or_is_false
                and_or_and_not_combine
                a_missing_value_makes_every_comparison_false_and_its_not_true
                some_element_of_a_list_is_enough
                a_text_is_found_by_its_characters_alone
                several_types_are_searched_together
                entities_are_found_by_id
                system_fields_compare_in_their_encoded_form
            }
            values {
                every_test_on_every_kind_of_value
                every_test_on_every_kind_of_indexed_value
                every_test_on_lists
                every_test_on_indexed_lists
                the_index_follows_every_change
                an_index_that_is_dropped_and_made_again_holds_what_is_there
            }
            indexing {
                an_index_of_a_type_without_entities_must_be_ready_at_once
                an_index_of_a_filled_type_is_built_step_by_step
                a_field_that_needs_no_building_must_answer_done_and_change_nothing
                writes_between_the_steps_keep_their_rows
                a_change_of_the_type_beside_the_index_leaves_its_building_alone
                an_index_that_is_asked_for_again_at_once_has_nothing_of_what_it_held_before
                an_index_that_is_given_up_and_asked_for_again_must_be_built_from_its_beginning
                steps_on_several_handles_at_once_must_be_harmless
                a_ready_index_must_hold_exactly_what_is_stored_whatever_was_written_meanwhile
            }
            paths {
                a_path_leads_to_targets
                a_path_leads_to_holders
                a_path_leads_over_several_links
                a_symmetric_link_is_followed_from_either_end
                a_link_compares_ids_in_both_directions
                a_link_that_leads_elsewhere_leads_to_another_entity
                a_type_is_asked_for_at_the_end_of_a_path
            }
            pages {
                entities_come_in_order_missing_values_last_ties_by_id
                pages_put_together_are_the_whole
                a_page_may_begin_after_a_place_that_nobody_holds
                a_walk_over_pages_must_give_every_entity_that_stays_exactly_once
                a_page_tells_whether_more_follows
                a_total_counts_all_matches_whatever_page_is_asked_for
                an_export_gives_all_matches_in_order
                the_stream_must_show_the_store_as_of_one_moment
            }
            exports {
                an_export_must_not_keep_writers_waiting
                dropping_the_stream_must_end_the_read
            }
            scope {
                it_must_not_tell_an_entity_outside_the_scope_from_an_absent_one
                a_query_finds_and_counts_inside_the_scope_alone
                a_walk_inside_a_scope_gives_every_entity_once
                the_scope_follows_changes_of_owners_and_readers
                the_scope_holds_for_linked_entities_too
            }
            log {
                an_empty_log_has_no_rows_and_no_place
                the_head_must_not_lie_before_the_place_of_any_acknowledged_write
                a_reader_that_goes_on_from_next_must_see_every_row_exactly_once
                history_is_newest_first_and_of_one_entity
                the_rows_of_a_type_are_not_those_of_an_entity_with_its_id
                the_walk_back_through_history_gives_every_earlier_version
            }
            log_rows {
                it_must_write_the_change_log_rows_in_the_same_transaction
                a_refused_change_set_writes_no_row
            }
            load {
                rows_make_entities
                rows_are_merged_into_what_is_there
                a_load_writes_the_change_log_as_a_commit_does
                with_all_it_must_apply_every_row_in_one_transaction_or_none
                with_each_it_must_apply_every_good_row
                a_dry_run_counts_and_writes_nothing
                rows_must_see_what_earlier_rows_made
                a_second_row_about_one_entity_fails
                an_update_without_its_entity_and_a_creation_with_one_fail
                a_key_may_pass_from_one_row_to_a_later_one
                an_id_that_was_used_before_goes_on_counting_in_a_load
            }
            staging {
                rows_must_see_what_rows_of_earlier_slices_made
                a_second_row_about_an_entity_of_an_earlier_slice_fails
                a_key_given_up_by_a_row_of_an_earlier_slice_is_free
                what_is_staged_is_invisible_to_readers
                two_loads_do_not_see_each_other_before_they_are_applied
                a_load_whose_rows_break_off_applies_nothing_more
                a_load_that_is_stopped_applies_nothing_more
                rows_that_could_not_be_read_are_failures_like_others
                rows_are_not_applied_under_a_type_that_has_changed
                an_entity_that_changed_since_it_was_resolved_is_not_overwritten
                a_key_taken_since_it_was_resolved_is_not_taken_twice
                a_target_deleted_since_it_was_resolved_is_not_linked_to
            }
            slices {
                it_must_hold_no_more_than_two_slices_of_rows_in_memory
                staged_things_must_hide_stored_ones
                it_must_not_hold_a_lock_or_a_transaction_between_slices
            }
            later_rows {
                a_row_may_link_to_a_later_one_of_any_slice
                rows_may_link_to_each_other
                rows_of_different_slices_link_to_each_other_when_all_are_applied_at_once
                a_row_whose_target_never_comes_fails_with_those_that_wait_for_it
                a_symmetric_link_to_a_later_row_is_held_by_both_ends
                rows_of_several_slices_may_be_linked_to_one_that_comes_after_them
                an_update_waits_for_nobody
                a_row_that_fails_takes_a_long_chain_of_rows_along
            }
            upload {
                links_are_found_by_key_and_the_same_file_again_changes_nothing
                with_all_it_must_apply_every_row_in_one_transaction_or_none
                rows_must_see_what_earlier_rows_made_and_never_what_refused_ones_would_have
                a_second_row_for_the_same_entity_is_refused_across_slices_too
                each_mode_does_what_it_says
                a_row_that_names_no_entity_is_told_all_that_is_wrong_with_it
                an_id_used_before_goes_on_counting
                a_key_given_up_by_an_earlier_row_is_free
                the_other_end_of_a_symmetric_link_gets_one_new_version
                rights_hold_for_every_row
            }
            upload_files {
                a_file_that_cannot_be_read_leaves_no_job_and_no_row
                bad_records_are_rows_that_failed_and_the_others_go_in
                rejected_rows_can_be_mended_and_sent_again
            }
            round_trips {
                upload_of_a_download_changes_nothing_and_into_an_empty_registry_gives_it_back
                a_download_goes_into_an_empty_registry_whole
            }
            upload_jobs {
                jobs_are_seen_by_who_started_them_and_admins
                a_type_that_changes_under_a_load_makes_it_stale_and_nothing_is_applied
                an_interrupted_job_tells_what_of_its_last_write_is_stored
            }
            lost_jobs {
                a_load_whose_job_was_taken_applies_nothing_more
                an_upload_that_goes_on_after_its_job_was_ended_applies_nothing_more
                an_upload_that_fails_tells_what_is_stored
                the_end_of_an_upload_is_told_again_when_it_cannot_be_written
            }
            concurrency {
                of_64_parallel_creations_with_one_unique_value_exactly_one_succeeds
                a_refused_member_costs_its_neighbours_nothing
                of_many_updates_of_one_version_exactly_one_succeeds
                no_change_is_skipped_or_out_of_order_however_writers_commit
                a_link_and_the_deletion_of_its_target_never_both_succeed
                change_sets_over_the_same_entities_in_other_orders_all_end
            }
            jobs {
                a_job_comes_back_whole_and_is_replaced_whole
                jobs_are_listed_newest_first
                failures_come_in_order_of_line_and_of_their_adding
                a_record_must_be_kept_once_however_many_failures_name_its_line
                cleared_failures_are_gone_and_others_may_follow
                writing_the_job_must_not_take_the_request_to_cancel_back
                writing_a_job_must_touch_it
                a_job_must_not_be_ended_when_it_was_touched_or_has_ended
                a_job_that_was_claimed_or_has_ended_must_not_be_written_over
                expired_jobs_go_with_all_that_belongs_to_them
            }
            identity {
                a_store_answers_when_it_can_be_read
                secret_and_epoch_are_the_same_on_every_handle
                every_store_has_a_secret_and_an_epoch_of_its_own
            }
        }
    };
}

/// The cases of stores whose data outlives their handles.
#[macro_export]
macro_rules! durable_store_contract {
    ($harness:ident) => {
        $crate::cases! {
            $harness;
            reopen {
                an_acknowledged_change_set_must_survive
                secret_and_epoch_stay
                jobs_survive
                an_index_that_was_begun_must_be_built_to_its_end
            }
        }
    };
}

/// Makes a test of each case.
#[doc(hidden)]
#[macro_export]
macro_rules! cases {
    ($harness:ident; $($topic:ident { $($case:ident)* })*) => {
        $(mod $topic {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    $crate::cases::$topic::$case(super::$harness::default()).await;
                }
            )*
        })*
    };
}
